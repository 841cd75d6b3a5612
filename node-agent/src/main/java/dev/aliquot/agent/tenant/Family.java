package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.state.PodBinding;
import dev.aliquot.agent.state.TenantRecord;
import java.util.function.Consumer;

/** Which processes are a tenant's. Never from what a process says. Thread-safe. */
sealed interface Family permits Kin, PodFamily {

  /**
   * The family of a tenant.
   *
   * @param others which containers are other tenants'
   * @param changed told of who the container is, once that is known; must not look at the family
   */
  static Family of(
      ProcFs proc, TenantRecord tenant, PodContainers others, Consumer<PodBinding> changed) {
    PodBinding binding = tenant.binding();
    return binding == null
        ? new Kin(proc, tenant)
        : new PodFamily(proc, tenant.id(), binding, others, changed);
  }

  /** Whether a process, which may act as this user, is the tenant's. */
  boolean admits(ProcessStat process, int uid);

  /** Whether a process is the tenant's, whoever it runs as: for charging it what it holds. */
  boolean owns(ProcessStat process);

  /** Remembers the tree as it is now and forgets who has ended. */
  void refresh();

  /** Whether nobody is left of those that the tenant lives by, so that it is over. */
  boolean isExtinct();
}
