package dev.aliquot.ffm;

import java.nio.file.Path;

/**
 * A library file cannot be used: it is missing, not a library, of another machine, or incomplete.
 */
public final class LibraryException extends NativeException {
  private static final long serialVersionUID = 1L;

  private final String library;

  public LibraryException(Path library, String message) {
    super(message);
    this.library = library.toString();
  }

  /** The file that was asked for. */
  public Path library() {
    return Path.of(library);
  }
}
