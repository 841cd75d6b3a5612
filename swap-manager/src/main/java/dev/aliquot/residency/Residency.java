package dev.aliquot.residency;

import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.SwapPolicy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * The tenants of one device: when each used it last, since when each has it, and so which may be
 * swapped out. Thread-safe by its own lock, under which nothing else is called.
 *
 * <p>Idle tenants leave first, then those that have had the device for their quantum; of both,
 * those of the lowest priority first, and of equals the least recently active. Nobody leaves within
 * the minimum residency, nor, while it uses the device, for a tenant of a lower priority.
 */
public final class Residency implements SwapPolicy {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** A bound, for processes report them. */
  private static final int MOST_EXCHANGES = 10_000;

  private final ResidencyRules rules;
  private final LongSupplier clock;
  private final Map<String, Resident> residents = new HashMap<>();
  private final Deque<Long> exchangeNanos = new ArrayDeque<>();

  private static final class Resident {
    final SwapMode mode;
    final Priority priority;
    long submissions;
    long activeNanos;
    long residentNanos;

    /** What its data has taken to come back since it came, or the last time. */
    Duration back = Duration.ZERO;

    /** Its data is on its way. */
    boolean comes;

    Resident(SwapMode mode, Priority priority, long nowNanos) {
      this.mode = mode;
      this.priority = priority;
      this.activeNanos = nowNanos;
      this.residentNanos = nowNanos;
    }
  }

  /** No ask waits for a tenant that keeps the device for longer: asks wait for 22 s by default. */
  private static final Duration HORIZON = Duration.ofSeconds(20);

  private record Ranked(String tenant, Resident resident, Readiness readiness) {}

  /**
   * First who is readiest, for who is idle does not need the device; then the lowest priority, then
   * who prefers it, then who has not used the device for longest.
   */
  private static final Comparator<Ranked> ORDER =
      Comparator.comparing(Ranked::readiness)
          .thenComparing(ranked -> ranked.resident().priority)
          .thenComparing(ranked -> ranked.resident().mode, Comparator.reverseOrder())
          .thenComparingLong(ranked -> ranked.resident().activeNanos)
          .thenComparing(Ranked::tenant);

  /**
   * @param clock in nanoseconds; only differences count, and it never goes back
   */
  public Residency(ResidencyRules rules, LongSupplier clock) {
    this.rules = rules;
    this.clock = clock;
  }

  /** A tenant comes; it counts as active now. */
  public synchronized void add(String tenant, SwapMode mode, Priority priority) {
    residents.put(tenant, new Resident(mode, priority, clock.getAsLong()));
  }

  /** A tenant has gone. */
  public synchronized void remove(String tenant) {
    residents.remove(tenant);
  }

  /**
   * What a tenant has submitted so far, over its processes.
   *
   * @param submissions any number: one that is not the last means that it has used the device
   */
  public synchronized void observe(String tenant, long submissions) {
    Resident resident = residents.get(tenant);
    if (resident != null && resident.submissions != submissions) {
      resident.submissions = submissions;
      resident.activeNanos = clock.getAsLong();
    }
  }

  /**
   * A process of a tenant has brought data back to the device. If the tenant was on its way, it has
   * the device from now on.
   *
   * @param took the move alone, without what it waited for; zero where there was nothing to move
   */
  public synchronized void cameBack(String tenant, Duration took) {
    Resident resident = residents.get(tenant);
    if (resident == null) {
      return;
    }
    if (resident.comes) {
      resident.comes = false;
      exchangeNanos.add(clock.getAsLong());
      forgetExchanges();
      resident.back = took.isZero() ? resident.back : took;
      resident.residentNanos = clock.getAsLong();
      resident.activeNanos = resident.residentNanos;
    } else {
      resident.back = resident.back.plus(took);
    }
  }

  /** Whether a tenant may be swapped out, and has had and not used the device for long enough. */
  public synchronized boolean isIdle(String tenant) {
    Resident resident = residents.get(tenant);
    return resident != null
        && resident.mode != SwapMode.NEVER
        && rank(tenant, resident, Priority.HIGH, clock.getAsLong()).readiness() == Readiness.IDLE;
  }

  /** How often a tenant that had been away came back in the last minute. */
  public synchronized int exchangesInAMinute() {
    forgetExchanges();
    return exchangeNanos.size();
  }

  @Override
  public synchronized Priority priority(String tenant) {
    Resident resident = residents.get(tenant);
    return resident == null ? Priority.NORMAL : resident.priority;
  }

  @Override
  public synchronized boolean isActive(String tenant) {
    Resident resident = residents.get(tenant);
    return resident != null
        && clock.getAsLong() - resident.activeNanos < rules.idleAfter().toNanos();
  }

  @Override
  public synchronized void arrived(String tenant) {
    Resident resident = residents.get(tenant);
    if (resident != null) {
      resident.residentNanos = clock.getAsLong();
      resident.activeNanos = resident.residentNanos;
    }
  }

  @Override
  public synchronized void comesBack(String tenant) {
    arrived(tenant);
    Resident resident = residents.get(tenant);
    if (resident != null) {
      resident.comes = true;
    }
  }

  @Override
  public synchronized void staysAway(String tenant) {
    Resident resident = residents.get(tenant);
    if (resident != null) {
      resident.comes = false;
    }
  }

  /**
   * Whether a tenant that may be swapped out has not had the device for long enough. One of a
   * higher priority has no longer turn than others, though it may stay after that.
   */
  public synchronized boolean isTurnOfOthers(String claimant) {
    return candidates(claimant, Priority.HIGH)
        .anyMatch(ranked -> ranked.readiness().compareTo(Readiness.DUE) > 0);
  }

  @Override
  public synchronized List<Leaver> leavers(String claimant) {
    return candidates(claimant, priority(claimant))
        .sorted(ORDER)
        .map(ranked -> new Leaver(ranked.tenant(), ranked.readiness()))
        .toList();
  }

  /**
   * @param priority as if the claimant had this one
   */
  private Stream<Ranked> candidates(String claimant, Priority priority) {
    long nowNanos = clock.getAsLong();
    return residents.entrySet().stream()
        .filter(each -> each.getValue().mode != SwapMode.NEVER && !each.getKey().equals(claimant))
        .map(each -> rank(each.getKey(), each.getValue(), priority, nowNanos));
  }

  private void forgetExchanges() {
    long since = clock.getAsLong() - MINUTE.toNanos();
    while (exchangeNanos.size() > MOST_EXCHANGES
        || (!exchangeNanos.isEmpty() && exchangeNanos.getFirst() - since <= 0)) {
      exchangeNanos.removeFirst();
    }
  }

  private Ranked rank(String tenant, Resident resident, Priority claimant, long nowNanos) {
    Duration residentFor = Duration.ofNanos(nowNanos - resident.residentNanos);
    Duration idleFor = Duration.ofNanos(nowNanos - resident.activeNanos);
    // its data comes and goes once for each turn
    // one that nothing was heard of since may have gone on its way
    boolean comes = resident.comes && residentFor.compareTo(ResidencyRules.LONGEST_QUANTUM) < 0;
    Duration quantum =
        comes ? ResidencyRules.LONGEST_QUANTUM : rules.quantum(resident.back.multipliedBy(2));
    Duration due = quantum.minus(residentFor);
    boolean idle = !comes && idleFor.compareTo(rules.idleAfter()) >= 0;
    Readiness readiness = due.compareTo(HORIZON) <= 0 ? Readiness.NOT_YET : Readiness.LATER;
    if (idle && residentFor.compareTo(rules.minimumResidency()) >= 0) {
      readiness = Readiness.IDLE;
    } else if (!idle && resident.priority.compareTo(claimant) > 0) {
      readiness = Readiness.WHEN_IDLE;
    } else if (!due.isPositive()) {
      readiness = Readiness.DUE;
    }
    return new Ranked(tenant, resident, readiness);
  }
}
