package dev.aliquot.plugin.ledger;

/** What was asked for can never be given, with a sentence for {@code kubectl describe pod}. */
public final class NeverException extends Exception {
  private static final long serialVersionUID = 1L;

  NeverException(String sentence) {
    super(sentence);
  }
}
