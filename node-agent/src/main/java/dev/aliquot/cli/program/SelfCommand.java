package dev.aliquot.cli.program;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to start this very program once more, with the same JVM flags. */
public final class SelfCommand {
  private static final String MAIN = "dev.aliquot.cli.Main";

  private SelfCommand() {}

  /** The command line. */
  public static List<String> of(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(smallJvmFlags());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-cp");
    command.add(System.getProperty("java.class.path", ""));
    command.add(MAIN);
    command.addAll(arguments);
    return command;
  }

  /**
   * Flags of size and start-up that this JVM was started with; nothing of a debugger or a test's
   * agent.
   */
  private static List<String> smallJvmFlags() {
    try {
      String line = Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.UTF_8);
      return List.of(line.split("\0", -1)).stream()
          .takeWhile(
              word -> !word.equals("-jar") && !word.equals("-cp") && !word.equals("-classpath"))
          .filter(
              word ->
                  word.startsWith("-XX:")
                      || word.startsWith("-Xm")
                      || word.startsWith("-Xs")
                      || word.startsWith("-Xlog:cds")
                      || word.startsWith("-Daliquot."))
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
