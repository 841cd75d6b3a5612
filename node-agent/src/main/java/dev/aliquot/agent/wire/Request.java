package dev.aliquot.agent.wire;

/** What a tenant's process can say. Numbers are as received: unsigned, unchecked. */
public sealed interface Request {

  /** The process says which slot and generation it believes to have. */
  sealed interface OfSlot extends Request {
    int slot();

    long generation();
  }

  record Hello(int tenantPid) implements Request {}

  record Ask(int slot, long generation, int device, long wantedBytes) implements OfSlot {}

  record Settle(int slot, long generation, int device) implements OfSlot {}

  record Bye(int slot, long generation) implements OfSlot {}

  /** For data of that device, as the tenant numbers them. */
  record TakeChunk(int slot, long generation, int device, long bytes) implements OfSlot {}

  /** A call waits at the gate of a process that is away. */
  record Resume(int slot, long generation) implements OfSlot {}

  /** Another descriptor of a chunk that the process has in its hands. */
  record ReopenChunk(int slot, long generation, long id) implements OfSlot {}

  record ReturnChunk(int slot, long generation, long id) implements OfSlot {}

  /**
   * A piece of memory for the tenant's other processes.
   *
   * @param descriptor the process's own number for it
   * @param id 0 for the first piece of a new share
   */
  record Share(
      int slot, long generation, int descriptor, long id, long bytes, int piece, int pieces)
      implements OfSlot {}

  record Unshare(int slot, long generation, long id) implements OfSlot {}

  record OpenShare(int slot, long generation, long id, int piece) implements OfSlot {}

  /**
   * @param outcome {@link MoveOutcome#FAILED} also for one that is not known
   * @param wake the control page's word as the process saw it before it began
   * @param copyNanos the time the copies alone took
   * @param closedNanos how long the program was kept from submitting work
   */
  record Moved(
      int slot,
      long generation,
      int device,
      MoveOutcome outcome,
      boolean promoted,
      int wake,
      long movedBytes,
      long copyNanos,
      long closedNanos)
      implements OfSlot {}
}
