package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.FaultClass;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Notices where things that are no device's fault by themselves come so often that the device may
 * be: of one device. Not thread-safe.
 *
 * <ul>
 *   <li>programs' faults of one kind (XID 13: at one place of the device) by {@link #PROGRAMS}
 *       tenants or programs within {@link #PERIOD}: one program that fails again and again is a
 *       program's fault;
 *   <li>anything watched, {@link #WATCHED} times within the period.
 * </ul>
 */
public final class Repetition {
  static final Duration PERIOD = Duration.ofHours(24);
  static final int PROGRAMS = 4;
  static final int WATCHED = 10;
  private static final int MOST = 512;

  private final Deque<Once> faults = new ArrayDeque<>();

  private record Once(String what, String who, FaultClass faultClass, long nanos) {}

  /** Takes a fault that is new. */
  public void add(Fault fault, long nowNanos) {
    if (fault.drill() || fault.cause().equals(new Cause.Xid(45))) {
      return;
    }
    boolean placed = !fault.place().isEmpty();
    String what = "XID " + fault.cause().label() + (placed ? " at " + fault.place() : "");
    String who =
        fault.blame().isSomebody() ? fault.blame().tenant() : fault.process() + " " + fault.pid();
    boolean counts = fault.faultClass() == FaultClass.WATCH || fault.faultClass() == FaultClass.APP;
    if (counts && fault.cause() instanceof Cause.Xid) {
      faults.addLast(new Once(what, who, fault.faultClass(), nowNanos));
      if (faults.size() > MOST) {
        faults.removeFirst();
      }
    }
  }

  /** Why the device is suspect; empty where it is not, or not any more. */
  public Optional<String> suspicion(long nowNanos) {
    Iterator<Once> oldest = faults.iterator();
    while (oldest.hasNext() && nowNanos - oldest.next().nanos() > PERIOD.toNanos()) {
      oldest.remove();
    }
    Map<String, Integer> watched = new HashMap<>();
    Map<String, Set<String>> programs = new HashMap<>();
    for (Once each : faults) {
      if (each.faultClass() == FaultClass.WATCH) {
        watched.merge(each.what(), 1, Integer::sum);
      } else {
        programs.computeIfAbsent(each.what(), what -> new HashSet<>()).add(each.who());
      }
    }
    Optional<String> many =
        programs.entrySet().stream()
            .filter(each -> each.getValue().size() >= PROGRAMS)
            .map(each -> each.getKey() + " by " + each.getValue().size() + " programs in a day")
            .sorted()
            .findFirst();
    return many.or(
        () ->
            watched.entrySet().stream()
                .filter(each -> each.getValue() >= WATCHED)
                .map(each -> each.getKey() + " " + each.getValue() + " times in a day")
                .sorted()
                .findFirst());
  }

  /** Forgets everything: somebody has looked at it. */
  public void clear() {
    faults.clear();
  }
}
