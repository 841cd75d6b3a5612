package dev.aliquot.agent.tenant;

/** A tenant cannot be made; the message is a sentence for a person. */
public final class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;
  private final boolean nameTaken;

  RefusedException(String sentence, boolean nameTaken) {
    super(sentence);
    this.nameTaken = nameTaken;
  }

  public boolean nameTaken() {
    return nameTaken;
  }
}
