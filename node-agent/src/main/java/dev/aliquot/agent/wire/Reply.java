package dev.aliquot.agent.wire;

/** What the agent answers. */
public sealed interface Reply {

  record Welcome(int slot, long generation) implements Reply {}

  /**
   * @param creditBytes the slot's credit on the device in question, 0 after BYE
   */
  record Granted(long creditBytes) implements Reply {}

  /**
   * A host chunk. Whoever writes the reply sends the descriptor after it and closes it, also where
   * the connection is gone.
   *
   * @param id never 0
   * @param descriptor the writer's own from now on
   * @param undelivered to be run where the descriptor could not be sent
   */
  record Chunk(long id, long bytes, int descriptor, Runnable undelivered) implements Reply {}

  /**
   * @param sentence for a person; cut to what fits the frame
   */
  record Refused(Status status, String sentence) implements Reply {}
}
