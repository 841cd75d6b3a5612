package dev.aliquot.agent.wire;

/** What the agent answers. */
public sealed interface Reply {

  record Welcome(int slot, long generation) implements Reply {}

  /**
   * @param creditBytes the slot's credit on the device in question, 0 after BYE
   */
  record Granted(long creditBytes) implements Reply {}

  /**
   * Whoever writes the reply sends the descriptor after it and closes it, also where the connection
   * is gone.
   */
  sealed interface WithDescriptor extends Reply {
    /** The writer's own from now on. */
    int descriptor();

    /** To be run where the descriptor could not be sent. */
    Runnable undelivered();
  }

  /**
   * A host chunk.
   *
   * @param id never 0
   */
  record Chunk(long id, long bytes, int descriptor, Runnable undelivered)
      implements WithDescriptor {}

  /**
   * A piece of a share is kept.
   *
   * @param id the share's, never 0
   */
  record Shared(long id, long bytes, int piece, int pieces) implements Reply {}

  /** A piece of a share for another process. */
  record OpenedShare(Shared shared, int descriptor) implements WithDescriptor {
    @Override
    public Runnable undelivered() {
      return () -> {};
    }
  }

  /**
   * @param sentence for a person; cut to what fits the frame
   */
  record Refused(Status status, String sentence) implements Reply {}
}
