package dev.aliquot.bench;

/** A suite could not run; the message is one sentence that says why. */
public final class BenchException extends Exception {

  public BenchException(String message) {
    super(message);
  }

  public BenchException(String message, Throwable cause) {
    super(message, cause);
  }
}
