package dev.aliquot.plugin.ledger;

/** The container has to wait; the kubelet asks again by itself. */
public final class NotYet extends Exception {
  private static final long serialVersionUID = 1L;

  private final Wait why;

  /**
   * @param sentence what it waits for and what to do, for {@code kubectl describe pod}
   */
  public NotYet(Wait why, String sentence) {
    super(sentence);
    this.why = why;
  }

  public Wait why() {
    return why;
  }
}
