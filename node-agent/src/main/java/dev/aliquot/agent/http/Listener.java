package dev.aliquot.agent.http;

/** Who is told what an {@link EventStream} tells. Neither may block. */
interface Listener {
  /**
   * The latest message, which has all that those before it had.
   *
   * @param message not to be changed; the same for all listeners
   */
  void tell(byte[] message);

  /** There will be no more. */
  void end();
}
