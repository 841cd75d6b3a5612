package dev.aliquot.residency;

import dev.aliquot.ledger.SwapPolicy;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The tenants of one device: when each used it last, since when each has it, and so which may be
 * swapped out. Thread-safe by its own lock, under which nothing else is called.
 *
 * <p>Idle tenants leave first, the least recently active first of all; then those that have had the
 * device for their quantum. Nobody leaves within the minimum residency.
 */
public final class Residency implements SwapPolicy {
  private final ResidencyRules rules;
  private final LongSupplier clock;
  private final Map<String, Resident> residents = new HashMap<>();
  private Duration exchange = Duration.ZERO;

  private static final class Resident {
    final SwapMode mode;
    long submissions;
    long activeNanos;
    long residentNanos;

    Resident(SwapMode mode, long nowNanos) {
      this.mode = mode;
      this.activeNanos = nowNanos;
      this.residentNanos = nowNanos;
    }
  }

  /** Nobody waits for a tenant that keeps the device for longer: asks wait for 22 s by default. */
  private static final Duration HORIZON = Duration.ofSeconds(20);

  /**
   * @param due until it has had the device for its quantum
   */
  private record Ranked(String tenant, Resident resident, Readiness readiness, Duration due) {
    boolean isSoon() {
      return due.compareTo(HORIZON) <= 0;
    }
  }

  /** First who is readiest, then who prefers it, then who has not used the device for longest. */
  private static final Comparator<Ranked> ORDER =
      Comparator.comparing(Ranked::readiness)
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
  public synchronized void add(String tenant, SwapMode mode) {
    residents.put(tenant, new Resident(mode, clock.getAsLong()));
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
   * Data has come back to the device: an exchange takes twice as long, for the other's has to
   * leave.
   *
   * @param took the move alone, without what it waited for
   */
  public synchronized void exchanged(Duration took) {
    exchange = took.multipliedBy(2);
  }

  /** A tenant has come back to the device. */
  public synchronized void returned(String tenant) {
    Resident resident = residents.get(tenant);
    if (resident != null) {
      resident.residentNanos = clock.getAsLong();
      resident.activeNanos = resident.residentNanos;
    }
  }

  /** How long a tenant has not used the device; null: not known here. */
  public synchronized @Nullable Duration idleFor(String tenant) {
    Resident resident = residents.get(tenant);
    return resident == null ? null : Duration.ofNanos(clock.getAsLong() - resident.activeNanos);
  }

  @Override
  public synchronized List<Leaver> leavers(String claimant) {
    long nowNanos = clock.getAsLong();
    return residents.entrySet().stream()
        .filter(each -> each.getValue().mode != SwapMode.NEVER && !each.getKey().equals(claimant))
        .map(each -> rank(each.getKey(), each.getValue(), nowNanos))
        .filter(ranked -> ranked.readiness() != Readiness.NOT_YET || ranked.isSoon())
        .sorted(ORDER)
        .map(ranked -> new Leaver(ranked.tenant(), ranked.readiness()))
        .toList();
  }

  private Ranked rank(String tenant, Resident resident, long nowNanos) {
    Duration residentFor = Duration.ofNanos(nowNanos - resident.residentNanos);
    Duration idleFor = Duration.ofNanos(nowNanos - resident.activeNanos);
    Duration due = rules.quantum(exchange).minus(residentFor);
    Readiness readiness = Readiness.NOT_YET;
    if (residentFor.compareTo(rules.minimumResidency()) >= 0
        && idleFor.compareTo(rules.idleAfter()) >= 0) {
      readiness = Readiness.IDLE;
    } else if (!due.isPositive()) {
      readiness = Readiness.DUE;
    }
    return new Ranked(tenant, resident, readiness, due);
  }
}
