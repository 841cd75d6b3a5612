package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.state.TenantRecord;
import java.util.function.BiConsumer;

/** Tells who attaches to which tenant. Thread-safe. */
public final class Arrivals {
  private volatile BiConsumer<ProcessId, TenantRecord> listener = (process, tenant) -> {};

  /**
   * From now on this one is told, and no other.
   *
   * @param next called before the process is answered: must not block
   */
  public void listen(BiConsumer<ProcessId, TenantRecord> next) {
    listener = next;
  }

  void tell(ProcessId process, TenantRecord tenant) {
    listener.accept(process, tenant);
  }
}
