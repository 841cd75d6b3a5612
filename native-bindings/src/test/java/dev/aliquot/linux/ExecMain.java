package dev.aliquot.linux;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A JVM that replaces itself by a program: path, then its arguments. */
final class ExecMain {
  private ExecMain() {}

  public static void main(String[] arguments) {
    System.out.println("pid " + ProcessHandle.current().pid());
    System.out.flush();
    List<String> argv = Arrays.asList(arguments);
    throw Exec.replace(Path.of(argv.getFirst()), argv, Map.of("GREETING", "good day", "EMPTY", ""));
  }
}
