package dev.aliquot.agent.pool;

/** A chunk cannot be made now; the message says why. */
final class NoChunkException extends Exception {
  private static final long serialVersionUID = 1L;

  NoChunkException(String sentence) {
    super(sentence);
  }

  String sentence() {
    return String.valueOf(getMessage());
  }
}
