package dev.aliquot.agent.pool;

/** What became of the wish for a chunk. */
public sealed interface Taken {

  /**
   * @param id never 0, another one each time a chunk is handed out
   * @param descriptor the receiver's to close
   */
  record Given(long id, long bytes, int descriptor) implements Taken {}

  /**
   * @param sentence why not
   */
  record Refused(String sentence) implements Taken {}

  /** The pool is being closed: the next agent's may have one. */
  record Stopping() implements Taken {}
}
