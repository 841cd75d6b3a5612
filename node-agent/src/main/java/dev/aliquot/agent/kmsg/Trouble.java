package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.Errno;
import dev.aliquot.linux.LinuxException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Why a log cannot be read, in a sentence that says what to do. */
final class Trouble {
  private Trouble() {}

  static String reason(Path path, Exception e) {
    String why =
        switch (e) {
          case NoSuchFileException _ -> absent();
          case AccessDeniedException _ -> denied();
          case LinuxException linux when linux.is(Errno.ENOENT) -> absent();
          case LinuxException linux when linux.is(Errno.EACCES) -> denied();
          case LinuxException linux when linux.is(Errno.EPERM) ->
              "it is not permitted; run the agent with CAP_SYSLOG, or set kernel.dmesg_restrict to"
                  + " 0, and let a container have the device";
          case IOException io when io.getMessage() != null -> io.getMessage();
          default -> e.toString();
        };
    return "cannot read the kernel log " + path + ": " + why;
  }

  private static String absent() {
    return "there is no such file; a container needs the host's";
  }

  private static String denied() {
    return "permission is denied; run the agent as root, or let its user read the file";
  }
}
