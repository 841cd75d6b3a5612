package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.state.TenantRecord;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Those in the tenant's own cgroup, where it has one, and the descendants of its root process. A
 * descendant that was once seen stays one when the processes between it and the root have ended.
 */
final class Kin implements Family {
  private static final int DEEPEST = 128;

  private final ProcFs proc;
  private final TenantRecord tenant;
  private final ProcessId root;
  private final Set<ProcessId> known = ConcurrentHashMap.newKeySet();

  Kin(ProcFs proc, TenantRecord tenant) {
    this.proc = proc;
    this.tenant = tenant;
    this.root = new ProcessId(tenant.rootPid(), tenant.rootStartTime());
  }

  @Override
  public boolean admits(ProcessStat process, int uid) {
    return inOwnCgroup(process.id().pid())
        || ((uid == tenant.uid() || uid == 0) && isDescendant(process));
  }

  @Override
  public boolean owns(ProcessStat process) {
    return inOwnCgroup(process.id().pid()) || isDescendant(process);
  }

  @Override
  public void refresh() {
    known.removeIf(id -> !proc.isAlive(id));
    Deque<ProcessId> toVisit = new ArrayDeque<>(known);
    if (tenant.rootPid() != 0 && proc.isAlive(root)) {
      toVisit.add(root);
    }
    while (!toVisit.isEmpty()) {
      for (int child : proc.children(toVisit.remove().pid())) {
        Optional<ProcessStat> stat = proc.stat(child);
        if (stat.isPresent() && !stat.get().zombie() && known.add(stat.get().id())) {
          toVisit.add(stat.get().id());
        }
      }
    }
  }

  @Override
  public boolean isExtinct() {
    if (tenant.rootPid() != 0 && proc.isAlive(root)) {
      return false;
    }
    refresh();
    return known.isEmpty();
  }

  private boolean inOwnCgroup(int pid) {
    String cgroup = tenant.cgroup();
    return cgroup != null
        && proc.cgroup(pid)
            .filter(path -> path.equals(cgroup) || path.startsWith(cgroup + "/"))
            .isPresent();
  }

  private boolean isDescendant(ProcessStat process) {
    Optional<ProcessStat> ancestor = Optional.of(process);
    for (int depth = 0; depth < DEEPEST && ancestor.isPresent(); depth++) {
      ProcessId id = ancestor.get().id();
      if ((tenant.rootPid() != 0 && id.equals(root)) || known.contains(id)) {
        known.add(process.id());
        return true;
      }
      int parent = ancestor.get().parentPid();
      ancestor = parent <= 1 ? Optional.empty() : proc.stat(parent);
    }
    return false;
  }
}
