package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.FaultClass;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Notices where things that are no device's fault by themselves come so often that the device may
 * be: of one device. Not thread-safe.
 *
 * <ul>
 *   <li>programs' faults of one kind (XID 13: at one place of the device) by {@link #PROGRAMS}
 *       tenants or programs within {@link #PERIOD}: one program that fails again and again is a
 *       program's fault, also where each try has a process or a tenant of its own;
 *   <li>anything watched, {@link #WATCHED} times within the period.
 * </ul>
 *
 * <p>Of each kind no more is kept than decides, so however often one kind comes, it hides no other.
 */
public final class Repetition {
  static final Duration PERIOD = Duration.ofHours(24);
  static final int PROGRAMS = 4;
  static final int WATCHED = 10;
  private static final int MOST_OF_A_KIND = 16;
  private static final int MOST_KINDS = 256;

  /** When each was seen last, by kind: programs by name, what is watched by its number. */
  private final Map<Kind, Map<String, Long>> seen = new Bounded<>(MOST_KINDS);

  private record Kind(String what, boolean watched) {
    int enough() {
      return watched ? WATCHED : PROGRAMS;
    }

    String times(int count) {
      return what
          + (watched ? " " + count + " times in a day" : " by " + count + " programs in a day");
    }
  }

  /** Those that were added last. */
  private static final class Bounded<K, V> extends LinkedHashMap<K, V> {
    private static final long serialVersionUID = 1L;
    private final int most;

    Bounded(int most) {
      this.most = most;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
      return size() > most;
    }
  }

  /** Takes a fault, once. */
  public void add(Fault fault, long nowNanos) {
    boolean watched = fault.faultClass() == FaultClass.WATCH;
    boolean counts = watched || fault.faultClass() == FaultClass.APP;
    if (!counts
        || fault.drill()
        || !(fault.cause() instanceof Cause.Xid)
        || fault.cause().equals(new Cause.Xid(45))) {
      return;
    }
    String place = fault.place().isEmpty() ? "" : " at " + fault.place();
    Kind kind = new Kind("XID " + fault.cause().label() + place, watched);
    String which = watched ? Long.toString(fault.id()) : program(fault);
    Map<String, Long> ofKind =
        Optional.ofNullable(seen.remove(kind)).orElseGet(() -> new Bounded<>(MOST_OF_A_KIND));
    ofKind.remove(which);
    ofKind.put(which, nowNanos);
    seen.put(kind, ofKind);
  }

  /** A pod keeps its name when its container is started again; a tenant's id never comes back. */
  private static String program(Fault fault) {
    Blame blame = fault.blame();
    if (!blame.pod().isEmpty()) {
      return "pod " + blame.namespace() + "/" + blame.pod();
    }
    boolean named = blame.isSomebody() && !blame.name().equals(blame.tenant());
    return named ? "tenant " + blame.name() : "program " + fault.process();
  }

  /** Why the device is suspect; empty where it is not, or not any more. */
  public Optional<String> suspicion(long nowNanos) {
    seen.values()
        .forEach(each -> each.values().removeIf(last -> nowNanos - last > PERIOD.toNanos()));
    seen.values().removeIf(Map::isEmpty);
    return seen.entrySet().stream()
        .filter(each -> each.getValue().size() >= each.getKey().enough())
        .map(each -> each.getKey().times(each.getValue().size()))
        .sorted()
        .findFirst();
  }

  /** Forgets everything: somebody has looked at it. */
  public void clear() {
    seen.clear();
  }
}
