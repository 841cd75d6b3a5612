package dev.aliquot.health.fault;

import dev.aliquot.health.catalogue.FaultClass;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Supplier;

/**
 * Puts reports together to faults. Holds those that were seen last, at most {@link #MOST_OPEN} of
 * programs and as many of devices: a burst of lines takes no more memory, and however many faults
 * programs make, a device's stays known. Not thread-safe.
 *
 * <p>A report is of a fault that is known where device, cause and drill are the same, neither names
 * another process than the other, and the last sighting is no older than {@link #WINDOW}. NVML's
 * events name no process, so they join the fault that the kernel log names, before or after it.
 */
public final class Correlator {
  static final Duration WINDOW = Duration.ofSeconds(5);

  /** Sources learn at very different times that a device is gone. */
  static final Duration LOST_WINDOW = Duration.ofMinutes(2);

  /** The driver cleans up after a fault as fast as processes end. */
  static final Duration FOLLOW_WINDOW = Duration.ofSeconds(15);

  static final int MOST_OPEN = 256;
  private static final Cause CLEANUP = new Cause.Xid(45);
  private static final Cause OFF_THE_BUS = new Cause.Xid(79);
  private static final Cause MEMORY_ERROR = new Cause.Xid(48);
  private static final Cause UNNUMBERED = new Cause.Xid(Cause.Xid.UNKNOWN);
  private static final Cause ACTION_CHANGED = new Cause.Xid(154);
  private static final Set<Cause> DETAILS = Set.of(new Cause.Xid(171), new Cause.Xid(172));

  /** The one that a report was of last comes first. */
  private final Deque<Open> open = new ArrayDeque<>();

  private long nextId;

  /**
   * @param before the fault as it was; empty where this is its first report
   * @param fault as it is now
   */
  public record Outcome(Optional<Fault> before, Fault fault) {
    public boolean isNew() {
      return before.isEmpty();
    }

    /** Whether it was thought to be no device's fault, and is one. */
    public boolean isGraver() {
      return before.isPresent()
          && !before.get().faultClass().isDevices()
          && fault.faultClass().isDevices();
    }

    /** Whether it is only now known whose it is. */
    public boolean isBlamed() {
      return fault.blame().isSomebody() && before.filter(b -> b.blame().isSomebody()).isEmpty();
    }
  }

  /** One that may be seen again, and when it was seen last by the clock that never jumps. */
  private record Open(Fault fault, long lastNanos) {
    boolean isDevices() {
      return fault.faultClass().isDevices() || fault.faultClass() == FaultClass.STATE;
    }

    boolean within(Report report, Duration window) {
      return Math.abs(report.moment().nanos() - lastNanos) <= window.toNanos();
    }
  }

  /**
   * @param firstId of the next fault
   */
  public Correlator(long firstId) {
    this.nextId = firstId;
  }

  /** Carries on with a fault of an agent before this one, last seen then. */
  public void restore(Fault fault, long lastNanos) {
    add(new Open(fault, lastNanos));
  }

  /**
   * Takes a report.
   *
   * @param blame whose process it names; asked only where that is not known yet
   */
  public Outcome take(Report report, Supplier<Blame> blame) {
    Optional<Open> same = find(report, Correlator::isSame);
    if (same.isPresent()) {
      return replace(same.get(), same.get().fault().again(report, blame), report);
    }
    Optional<Open> root = find(report, Correlator::isAfter);
    if (root.isPresent()) {
      return replace(root.get(), root.get().fault().followed(report), report);
    }
    Fault fault = Fault.of(nextId++, report, blame.get());
    add(new Open(fault, report.moment().nanos()));
    return new Outcome(Optional.empty(), fault);
  }

  /**
   * What goes for it is what was touched longest ago, not what is oldest: after a restart, lines of
   * hours ago are read between events of now.
   */
  private void add(Open one) {
    open.addFirst(one);
    boolean devices = one.isDevices();
    if (open.stream().filter(each -> each.isDevices() == devices).count() > MOST_OPEN) {
      removeLast(devices);
    }
  }

  private void removeLast(boolean devices) {
    for (var oldest = open.descendingIterator(); oldest.hasNext(); ) {
      if (oldest.next().isDevices() == devices) {
        oldest.remove();
        return;
      }
    }
  }

  private Outcome replace(Open before, Fault after, Report report) {
    open.remove(before);
    add(new Open(after, Math.max(before.lastNanos(), report.moment().nanos())));
    return new Outcome(Optional.of(before.fault()), after);
  }

  /** The latest that fits; one that names the same process before one that names none. */
  private Optional<Open> find(Report report, BiPredicate<Open, Report> fits) {
    Optional<Open> found = Optional.empty();
    for (Open each : open) {
      Fault fault = each.fault();
      if (fault.device().equals(report.device())
          && fault.drill() == report.drill()
          && fits.test(each, report)) {
        if (report.pid().isEmpty() || fault.pid() == report.pid().getAsInt()) {
          return Optional.of(each);
        }
        found = found.isPresent() ? found : Optional.of(each);
      }
    }
    return found;
  }

  private static boolean isSame(Open each, Report report) {
    Cause before = each.fault().cause();
    Cause now = report.cause();
    if (isGone(before) && isGone(now)) {
      return each.within(report, LOST_WINDOW);
    }
    return (before.equals(now) || saysMore(before, now) || saysMore(now, before))
        && each.fault().mayBeBy(report.pid())
        && each.within(report, WINDOW);
  }

  /**
   * Whether the report only came because of the fault. After a device's fault the driver cleans up
   * after everybody; after a program's, after that program.
   */
  private static boolean isAfter(Open each, Report report) {
    Fault fault = each.fault();
    boolean cleanup = report.cause().equals(CLEANUP) && !fault.cause().equals(CLEANUP);
    boolean detail = DETAILS.contains(report.cause()) && fault.cause().equals(MEMORY_ERROR);
    boolean named =
        report.causedBy().isEmpty()
            || fault.cause().equals(new Cause.Xid(report.causedBy().getAsInt()));
    boolean whose = fault.faultClass().isDevices() || fault.mayBeBy(report.pid());
    return (detail || (cleanup && named && whose)) && each.within(report, FOLLOW_WINDOW);
  }

  /** Whether the second may be the first, by its number or its action. */
  private static boolean saysMore(Cause vague, Cause exact) {
    return (vague.equals(UNNUMBERED) && exact instanceof Cause.Xid)
        || (vague.equals(ACTION_CHANGED) && exact instanceof Cause.Recovery);
  }

  private static boolean isGone(Cause cause) {
    return cause.equals(OFF_THE_BUS) || cause == Cause.Seen.LOST;
  }
}
