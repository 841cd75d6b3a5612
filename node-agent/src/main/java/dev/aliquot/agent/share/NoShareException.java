package dev.aliquot.agent.share;

/** There is no such share, or it cannot be made; says why in a sentence for a person. */
public final class NoShareException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String sentence;

  public NoShareException(String sentence) {
    super(sentence);
    this.sentence = sentence;
  }

  public String sentence() {
    return sentence;
  }
}
