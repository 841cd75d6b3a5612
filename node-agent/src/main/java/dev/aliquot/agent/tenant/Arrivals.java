package dev.aliquot.agent.tenant;

import java.util.function.IntConsumer;

/** Tells which processes attach to a tenant. Thread-safe. */
public final class Arrivals {
  private volatile IntConsumer listener = pid -> {};

  /**
   * From now on this one is told, and no other.
   *
   * @param next told the pid before the process is answered: must not block
   */
  public void listen(IntConsumer next) {
    listener = next;
  }

  void tell(int pid) {
    listener.accept(pid);
  }
}
