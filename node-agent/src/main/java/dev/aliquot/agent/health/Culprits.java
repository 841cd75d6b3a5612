package dev.aliquot.agent.health;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.health.fault.Blame;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntFunction;

/**
 * Whose a process is, or was: a program is often gone by the time that its fault is told, and its
 * number may be another's. Thread-safe. Times are those of {@link System#nanoTime}.
 */
final class Culprits {
  /** The driver tells of a fault within seconds; much later a pid may be somebody else's. */
  static final Duration REMEMBERED = Duration.ofMinutes(2);

  /** By how much the clocks of the log and of processes may differ. */
  static final Duration SLACK = Duration.ofSeconds(2);

  private static final int MOST = 8192;

  private final Inventory inventory;
  private final IntFunction<Optional<Owner>> owners;
  private final Map<Integer, Seen> seen =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Seen> eldest) {
          return size() > MOST;
        }
      };

  /**
   * A tenant's process.
   *
   * @param ageNanos since it was started
   */
  record Owner(Blame blame, long ageNanos) {}

  private record Seen(Blame blame, long startedNanos, long nanos) {
    /** Whether the process may have done something at that moment. */
    boolean livedAt(long momentNanos) {
      return startedNanos - momentNanos <= SLACK.toNanos();
    }
  }

  /**
   * @param owners whose a process is that there is now
   */
  Culprits(Inventory inventory, IntFunction<Optional<Owner>> owners) {
    this.inventory = inventory;
    this.owners = owners;
  }

  /**
   * A process has attached to a tenant; it may be gone before anybody looks. What it does to a
   * device it does from now on.
   */
  void attached(int pid, Blame tenant, long nowNanos) {
    put(pid, new Seen(tenant, nowNanos, nowNanos));
  }

  /** Remembers who is on the devices now; to be called about once a second. */
  void remember(long nowNanos) {
    for (Device device : inventory.devices()) {
      for (int pid : device.reading().bytesByPid().keySet()) {
        look(pid, nowNanos).ifPresent(who -> put(pid, who));
      }
    }
    forget(nowNanos);
  }

  /** Whose process of that number it was at a moment; nobody's where that is not certain. */
  Blame of(OptionalInt pid, long momentNanos, long nowNanos) {
    if (pid.isEmpty()) {
      return Blame.NOBODY;
    }
    return look(pid.getAsInt(), nowNanos)
        .filter(who -> who.livedAt(momentNanos))
        .or(() -> remembered(pid.getAsInt(), momentNanos))
        .map(Seen::blame)
        .orElse(Blame.NOBODY);
  }

  private Optional<Seen> look(int pid, long nowNanos) {
    return owners
        .apply(pid)
        .map(owner -> new Seen(owner.blame(), nowNanos - owner.ageNanos(), nowNanos));
  }

  private synchronized Optional<Seen> remembered(int pid, long momentNanos) {
    return Optional.ofNullable(seen.get(pid))
        .filter(who -> who.livedAt(momentNanos))
        .filter(who -> momentNanos - who.nanos() <= REMEMBERED.toNanos());
  }

  private synchronized void put(int pid, Seen who) {
    seen.remove(pid);
    seen.put(pid, who);
  }

  private synchronized void forget(long nowNanos) {
    seen.values().removeIf(each -> nowNanos - each.nanos() > REMEMBERED.toNanos());
  }
}
