package dev.aliquot.ffm;

/**
 * A native library or a call into one failed. The message is one sentence that names the cause and
 * what to do about it, fit to be shown to a user as it is.
 */
public abstract class NativeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  protected NativeException(String message) {
    super(message);
  }
}
