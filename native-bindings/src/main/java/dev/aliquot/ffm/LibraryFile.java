package dev.aliquot.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Looks at a library file before and after the dynamic linker does, and says in a sentence why it
 * cannot be used.
 */
final class LibraryFile {
  private LibraryFile() {}

  /**
   * Why a file must not even be tried, or empty. Beside the plain cases this catches a file that is
   * cut short, which the dynamic linker would map and die of.
   *
   * @param what the library in words
   */
  static Optional<String> whyNotLibrary(Path path, String what) {
    if (!Files.exists(path)) {
      return Optional.of(
          "there is no %s library at %s; install the NVIDIA driver or give the path of its library"
              .formatted(what, path));
    }
    if (!Files.isRegularFile(path)) {
      return Optional.of("%s is not a file; give the path of the %s library".formatted(path, what));
    }
    if (!Files.isReadable(path)) {
      return Optional.of(
          "the %s library %s cannot be read by this user; change its permissions or the user"
              .formatted(what, path));
    }
    try {
      return ElfFile.fault(path)
          .map(fault -> "%s %s; give the path of the %s library".formatted(path, fault, what));
    } catch (IOException e) {
      return Optional.of(
          "the %s library %s cannot be read: %s; check the disk it is on"
              .formatted(what, path, e.getMessage()));
    }
  }

  /** Why the dynamic linker refused a file in which {@link #whyNotLibrary} sees no fault. */
  static String whyRefused(Path path, String what) {
    String reason = DynamicLinker.refusal(path).map(words -> ": " + words).orElse("");
    return NativeLibrary.isBareName(path)
        ? "no %s library named %s is where the dynamic linker looks%s; install the NVIDIA driver or give the library's full path"
            .formatted(what, path, reason)
        : "the %s library %s cannot be loaded%s; run `ldd %s` to see what it lacks"
            .formatted(what, path, reason, path);
  }
}
