package dev.aliquot.agent.share;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Raw descriptors of this process. */
final class OpenFile {
  private static final int O_RDONLY_CLOEXEC = 02000000;
  private static final MethodHandle OPEN =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("open"),
              FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
              Linker.Option.firstVariadicArg(2));

  private OpenFile() {}

  /** A descriptor of that file, the caller's to close. */
  static int descriptor(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      int descriptor =
          (int) OPEN.invokeExact(arena.allocateFrom(file.toString()), O_RDONLY_CLOEXEC);
      assertThat(descriptor).as("%s opened", file).isNotNegative();
      return descriptor;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** How many descriptors of that file this process has. */
  static int count(Path file) {
    return numbers(file).size();
  }

  private static List<Integer> numbers(Path file) {
    List<Integer> numbers = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path each : all) {
        if (isOf(each, file)) {
          numbers.add(Integer.valueOf(each.getFileName().toString()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return numbers;
  }

  private static boolean isOf(Path link, Path file) {
    try {
      return Files.readSymbolicLink(link).equals(file);
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }
}
