package dev.aliquot.plugin.node;

/** The container has to wait; the kubelet asks again by itself. */
public final class NotYetException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param sentence what it waits for and what to do, for a person
   */
  public NotYetException(String sentence) {
    super(sentence);
  }
}
