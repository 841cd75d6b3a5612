package dev.aliquot.agent.bypass;

import java.time.Instant;

/** One process that is not accounted for on one device. Guarded by the watch. */
final class Watched {
  /**
   * Two exact readings, or ten during which reports moved: those may show too much, but not all.
   */
  private static final int EXACT = 5;

  private static final int ENOUGH = 2 * EXACT;

  /** After a failure. */
  private static final long RETRY_NANOS = 30_000_000_000L;

  private final String device;
  private final String cgroup;
  private final Instant since;
  private Sighting sighting;
  private int evidence;
  private long lastCounted;
  private String action = "";
  private boolean pending;
  private boolean settled;
  private long notBefore;

  Watched(Sighting sighting, String device, String cgroup, Instant since, long nowNanos) {
    this.sighting = sighting;
    this.device = device;
    this.cgroup = cgroup;
    this.since = since;
    this.lastCounted = nowNanos;
    this.notBefore = nowNanos;
    this.evidence = weight(sighting);
  }

  Sighting sighting() {
    return sighting;
  }

  /**
   * Seen once more. Readings on demand may follow at once upon each other: those count once.
   *
   * @param leastNanos between two that count
   */
  void again(Sighting newSighting, long nowNanos, long leastNanos) {
    sighting = newSighting;
    if (nowNanos - lastCounted >= leastNanos) {
      lastCounted = nowNanos;
      evidence = Math.min(ENOUGH, evidence + weight(newSighting));
    }
  }

  /** Whether it is to be told of: what never attached at once, what may only lag not. */
  boolean isFound() {
    return switch (sighting.kind()) {
      case UNATTACHED, STRANGER -> true;
      case UNDERREPORTING, KEEPING -> isConfirmed();
    };
  }

  /** Whether readings agree so that something may be done about it. */
  boolean isConfirmed() {
    return evidence >= ENOUGH;
  }

  /** Whether it is time to do what the policy says; it counts as begun then. */
  boolean begin(long nowNanos) {
    if (!isConfirmed() || pending || settled || nowNanos - notBefore < 0) {
      return false;
    }
    pending = true;
    return true;
  }

  void settle(Outcome outcome, long nowNanos) {
    pending = false;
    settled = outcome.settled();
    action = outcome.action();
    notBefore = nowNanos + RETRY_NANOS;
  }

  Finding finding() {
    return new Finding(sighting, device, cgroup, since, action.isEmpty() ? "reported" : action);
  }

  private static int weight(Sighting sighting) {
    return sighting.exact() ? EXACT : 1;
  }
}
