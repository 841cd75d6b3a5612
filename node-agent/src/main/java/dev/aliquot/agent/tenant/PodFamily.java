package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.PodCgroup;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.state.PodBinding;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes of one container of a pod, in it before and after it is known which one that is. A
 * process is in a container by its control group. Which container of the pod is the tenant's is
 * known from the first process that is in one of the pod's and has the tenant's folder among its
 * mounts, which the runtime gives to that container alone. From then on its siblings are refused,
 * until the container is about to be started again.
 */
final class PodFamily implements Family {
  private static final Logger LOG = LoggerFactory.getLogger(PodFamily.class);

  private final ProcFs proc;
  private final String tenantId;
  private final PodContainers others;
  private final Consumer<PodBinding> changed;
  private PodBinding binding;

  PodFamily(
      ProcFs proc,
      String tenantId,
      PodBinding binding,
      PodContainers others,
      Consumer<PodBinding> changed) {
    this.proc = proc;
    this.tenantId = tenantId;
    this.others = others;
    this.changed = changed;
    this.binding = binding;
    if (!binding.containerId().isEmpty() && !others.take(binding.containerId(), tenantId)) {
      LOG.warn("container {} has two tenants, one is {}", binding.containerId(), tenantId);
    }
  }

  /** In a container processes may run as any user. */
  @Override
  public boolean admits(ProcessStat process, int uid) {
    return owns(process);
  }

  @Override
  public boolean owns(ProcessStat process) {
    int pid = process.id().pid();
    Optional<PodCgroup> at = proc.cgroup(pid).flatMap(PodCgroup::parse);
    return at.isPresent() && (isIts(at.get()) || (canBeIts(at.get()) && binds(pid, at.get())));
  }

  /** The container is about to be started again, under another id. */
  synchronized void reopen(String podUid) {
    binding = binding.reopened(podUid);
    changed.accept(binding);
  }

  /** Lets go of the container. Takes no lock. */
  void end() {
    others.leaveAll(tenantId);
  }

  private synchronized boolean isIts(PodCgroup at) {
    return binding.canBeOf(at.podUid()) && binding.containerId().equals(at.containerId());
  }

  private synchronized boolean canBeIts(PodCgroup at) {
    return binding.open() && binding.canBeOf(at.podUid());
  }

  /** Not under the lock: a container may have many mounts. */
  private boolean binds(int pid, PodCgroup at) {
    return proc.mounts((int) ProcessHandle.current().pid())
            .placeOf(others.folder(tenantId))
            .filter(place -> proc.mounts(pid).has(place))
            .isPresent()
        && bind(at);
  }

  private synchronized boolean bind(PodCgroup at) {
    if (isIts(at)) {
      return true;
    }
    if (!canBeIts(at) || !others.take(at.containerId(), tenantId)) {
      return false;
    }
    others.leave(binding.containerId(), tenantId);
    binding = binding.to(at.podUid(), at.containerId());
    changed.accept(binding);
    LOG.info("tenant {} is container {} of pod {}", tenantId, at.containerId(), at.podUid());
    return true;
  }

  /** The kernel says of each process where it is. */
  @Override
  public void refresh() {}

  /** Whoever watches the pod ends its tenants. */
  @Override
  public boolean isExtinct() {
    return false;
  }
}
