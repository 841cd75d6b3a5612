package dev.aliquot.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Defaults that depend on where the program runs.
 *
 * @param stateDir where this user's agent lives
 * @param nodeName the host's name
 */
public record MachineDefaults(Path stateDir, String nodeName) {

  /** Of this process. */
  public static MachineDefaults system() {
    return new MachineDefaults(stateDir(System.getenv(), ownUid()), hostName());
  }

  /** The rule for the state folder: the system's for root, else the user's own. */
  public static Path stateDir(Map<String, String> environment, int uid) {
    if (uid == 0) {
      return Path.of("/run/aliquot");
    }
    String runtime = environment.get("XDG_RUNTIME_DIR");
    return runtime != null && runtime.startsWith("/")
        ? Path.of(runtime, "aliquot")
        : Path.of("/tmp/aliquot-" + uid);
  }

  /** The effective user of this process. */
  public static int ownUid() {
    try {
      Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      return uid instanceof Integer number ? number : -1;
    } catch (IOException | RuntimeException e) {
      throw new IllegalStateException("/proc is not mounted; Aliquot needs it", e);
    }
  }

  private static String hostName() {
    String name = read(Path.of("/proc/sys/kernel/hostname"));
    return name == null || name.isBlank() ? "localhost" : name.strip();
  }

  private static @Nullable String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return null;
    }
  }
}
