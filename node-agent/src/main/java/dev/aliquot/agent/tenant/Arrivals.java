package dev.aliquot.agent.tenant;

import dev.aliquot.agent.state.TenantRecord;

/** Tells which processes attach to which tenant. Thread-safe. */
public final class Arrivals {

  /** Who is told. */
  public interface Listener {
    /** Called on a thread that answers tenants, before the process is answered: must not block. */
    void attached(int pid, TenantRecord tenant);
  }

  private volatile Listener listener = (pid, tenant) -> {};

  /** From now on this one is told, and no other. */
  public void listen(Listener next) {
    listener = next;
  }

  void tell(int pid, TenantRecord tenant) {
    listener.attached(pid, tenant);
  }
}
