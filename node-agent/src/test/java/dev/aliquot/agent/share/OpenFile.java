package dev.aliquot.agent.share;

import dev.aliquot.linux.Descriptors;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Raw descriptors of this process. */
final class OpenFile {
  private OpenFile() {}

  /** A descriptor of that file, the caller's to close. */
  static int descriptor(Path file) {
    try (FileInputStream open = new FileInputStream(file.toFile())) {
      assert open.getFD().valid();
      return Descriptors.duplicate(numbers(file).getLast());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
