package dev.aliquot.cli;

import dev.aliquot.linux.Descriptors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that this process was started with. The JVM opens some of its own that a program
 * put in its place would inherit (the random devices, a socket pair), so everything that has come
 * since is closed before that.
 */
final class InheritedDescriptors {
  private static final int FIRST_BEYOND_STANDARD = 3;

  private static @Nullable Set<Integer> atStart;

  private InheritedDescriptors() {}

  /** Takes note of what is open; to be the first thing that {@code main} does. */
  static void remember() {
    atStart = open();
  }

  /**
   * Closes what has been opened since; this process must do little afterwards but be replaced or
   * end. Nothing where {@link #remember} was not called.
   */
  static void closeLaterOnes() {
    if (atStart == null) {
      return;
    }
    for (int descriptor : open()) {
      if (descriptor >= FIRST_BEYOND_STANDARD
          && !atStart.contains(descriptor)
          && !closesOnExec(descriptor)) {
        Descriptors.close(descriptor);
      }
    }
  }

  private static Set<Integer> open() {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files
          .map(file -> Integer.valueOf(file.getFileName().toString()))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw new IllegalStateException("/proc is not mounted; Aliquot needs it", e);
    }
  }

  /** Also true for one that is gone by now, as the one that listed the folder is. */
  private static boolean closesOnExec(int descriptor) {
    try (Stream<String> lines =
        Files.lines(Path.of("/proc/self/fdinfo", Integer.toString(descriptor)))) {
      int closeOnExec = 02000000;
      return lines
          .filter(line -> line.startsWith("flags:"))
          .anyMatch(
              line ->
                  (Long.parseLong(line.substring("flags:".length()).strip(), 8) & closeOnExec)
                      != 0);
    } catch (IOException gone) {
      return true;
    }
  }
}
