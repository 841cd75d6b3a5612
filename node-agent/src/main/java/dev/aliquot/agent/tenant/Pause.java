package dev.aliquot.agent.tenant;

import java.time.Duration;

/**
 * How long nothing is tried again after failures: twice as long after each in a row, up to a bound.
 * Guarded by the tenant's lock.
 */
final class Pause {
  private static final Duration FIRST = Duration.ofMinutes(1);
  private static final int MOST_DOUBLED = 6;

  private int failures;
  private long failedNanos;

  /** It has failed (once more). */
  void failed(long nowNanos) {
    failures++;
    failedNanos = nowNanos;
  }

  /** It has not: the next failure is the first one. */
  void over() {
    failures = 0;
  }

  /** Whether it is too soon. */
  boolean lasts(long nowNanos) {
    int doubled = Math.min(failures - 1, MOST_DOUBLED);
    return failures > 0 && nowNanos - failedNanos < FIRST.toNanos() << doubled;
  }
}
