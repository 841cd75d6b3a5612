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
}
