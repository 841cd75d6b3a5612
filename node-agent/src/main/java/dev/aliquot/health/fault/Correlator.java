package dev.aliquot.health.fault;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;

/**
 * Puts reports together to faults. Holds the faults that may still be seen again, at most {@link
 * #MOST_OPEN}: a burst of lines takes no more memory. Not thread-safe.
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
  private static final Set<Cause> DETAILS = Set.of(new Cause.Xid(171), new Cause.Xid(172));

  private final Deque<Open> open = new ArrayDeque<>();
  private long nextId;

  /**
   * @param isNew whether this is its first report
   * @param fault as it is now
   */
  public record Outcome(boolean isNew, Fault fault) {}

  /** One that may be seen again, and when it was seen last by the clock that never jumps. */
  private record Open(Fault fault, long lastNanos) {
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
    open.addFirst(new Open(fault, lastNanos));
    if (open.size() > MOST_OPEN) {
      open.removeLast();
    }
  }

  /**
   * Takes a report.
   *
   * @param blame whose process it names
   */
  public Outcome take(Report report, Blame blame) {
    forget(report);
    Optional<Open> same = find(report, Correlator::isSame);
    if (same.isPresent()) {
      return replace(same.get(), same.get().fault().again(report, blame), report);
    }
    Optional<Open> root = find(report, Correlator::isAfter);
    if (root.isPresent()) {
      return replace(root.get(), root.get().fault().followed(report), report);
    }
    Fault fault = Fault.of(nextId++, report, blame);
    open.addFirst(new Open(fault, report.moment().nanos()));
    if (open.size() > MOST_OPEN) {
      open.removeLast();
    }
    return new Outcome(true, fault);
  }

  private Outcome replace(Open before, Fault after, Report report) {
    open.remove(before);
    open.addFirst(new Open(after, Math.max(before.lastNanos(), report.moment().nanos())));
    return new Outcome(false, after);
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
    boolean unnumbered =
        before instanceof Cause.Xid
            && now instanceof Cause.Xid
            && (before.equals(UNNUMBERED) || now.equals(UNNUMBERED));
    return (unnumbered || before.equals(now))
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

  private static boolean isGone(Cause cause) {
    return cause.equals(OFF_THE_BUS) || cause == Cause.Seen.LOST;
  }

  /** What no report can be of any more. */
  private void forget(Report report) {
    Iterator<Open> oldest = open.descendingIterator();
    while (oldest.hasNext() && !oldest.next().within(report, LOST_WINDOW)) {
      oldest.remove();
    }
  }
}
