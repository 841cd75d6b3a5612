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

  record ReturnChunk(int slot, long generation, long id) implements OfSlot {}

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
