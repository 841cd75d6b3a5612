package dev.aliquot.agent.health;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.health.fault.Blame;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Whose a process is, or was: a program is often gone by the time that its fault is told.
 * Thread-safe.
 */
final class Culprits {
  /** The driver tells of a fault within seconds; much later a pid may be somebody else's. */
  private static final Duration REMEMBERED = Duration.ofMinutes(2);

  private static final int MOST = 8192;

  private final Inventory inventory;
  private final Tenants tenants;
  private final Map<Integer, Seen> seen =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Seen> eldest) {
          return size() > MOST;
        }
      };

  private record Seen(Blame blame, long nanos) {}

  Culprits(Inventory inventory, Tenants tenants) {
    this.inventory = inventory;
    this.tenants = tenants;
  }

  /** Remembers who is on the devices now; to be called about once a second. */
  void remember(long nowNanos) {
    for (Device device : inventory.devices()) {
      for (int pid : device.reading().bytesByPid().keySet()) {
        Blame blame = owner(pid);
        if (blame.isSomebody()) {
          put(pid, new Seen(blame, nowNanos));
        }
      }
    }
    forget(nowNanos);
  }

  /** Whose it is, or was until lately. */
  Blame of(OptionalInt pid, long nowNanos) {
    if (pid.isEmpty()) {
      return Blame.NOBODY;
    }
    Blame now = owner(pid.getAsInt());
    if (now.isSomebody()) {
      return now;
    }
    synchronized (this) {
      Seen before = seen.get(pid.getAsInt());
      return before != null && nowNanos - before.nanos() <= REMEMBERED.toNanos()
          ? before.blame()
          : Blame.NOBODY;
    }
  }

  private Blame owner(int pid) {
    return tenants.tenantOf(pid).map(tenant -> of(tenant.record())).orElse(Blame.NOBODY);
  }

  private static Blame of(TenantRecord record) {
    return new Blame(
        record.id(), record.name(), record.namespace(), record.pod(), record.container());
  }

  private synchronized void put(int pid, Seen who) {
    seen.remove(pid);
    seen.put(pid, who);
  }

  private synchronized void forget(long nowNanos) {
    seen.values().removeIf(each -> nowNanos - each.nanos() > REMEMBERED.toNanos());
  }
}
