package dev.aliquot.agent.health;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Fault;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Tells each fault once, when it is known whose it is: NVML's events and some of the kernel's lines
 * name no process, and are often first. A device's fault is told at once, any other after {@link
 * #PATIENCE} at the latest. Not thread-safe.
 */
final class Announcements {
  static final Duration PATIENCE = Duration.ofSeconds(5);
  static final int MOST = 256;

  private final BiConsumer<Fault, Boolean> listener;

  /** By id, the one that has waited longest first. */
  private final Map<Long, Waiting> waiting = new LinkedHashMap<>();

  private record Waiting(Fault fault, boolean past, long sinceNanos) {}

  /**
   * @param listener told of the fault, and whether it is from before anybody watched
   */
  Announcements(BiConsumer<Fault, Boolean> listener) {
    this.listener = listener;
  }

  /** Takes what a report has made of a fault. */
  void take(Correlator.Outcome outcome, boolean past, long nowNanos) {
    Fault fault = outcome.fault();
    Waiting before = waiting.get(fault.id());
    boolean untold = outcome.isNew() || outcome.isGraver() || before != null;
    if (!untold) {
      return;
    }
    boolean programs =
        fault.faultClass() == FaultClass.APP || fault.faultClass() == FaultClass.WATCH;
    if (!programs || fault.pid() != 0) {
      waiting.remove(fault.id());
      listener.accept(fault, past);
    } else {
      long since = before == null ? nowNanos : before.sinceNanos();
      waiting.put(fault.id(), new Waiting(fault, past, since));
      if (waiting.size() > MOST) {
        tellFirst();
      }
    }
  }

  /** To be called regularly: nobody names some faults' processes. */
  void tick(long nowNanos) {
    while (!waiting.isEmpty()
        && nowNanos - waiting.values().iterator().next().sinceNanos() >= PATIENCE.toNanos()) {
      tellFirst();
    }
  }

  private void tellFirst() {
    var first = waiting.entrySet().iterator();
    Waiting eldest = first.next().getValue();
    first.remove();
    listener.accept(eldest.fault(), eldest.past());
  }
}
