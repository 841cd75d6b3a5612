package dev.aliquot.agent.truth;

import java.time.Duration;

/**
 * When a device may be read again: whoever asks in a loop gets at most half of the thread's time,
 * and of the driver's. Each reading owes a rest as long as itself. Up to {@link #BURST} of rest may
 * be owed before one is taken, so that the few readings in a row that somebody who waits for memory
 * needs are made at once. Times are those of {@link System#nanoTime}. Not thread-safe.
 */
final class ReadingPace {
  static final Duration BURST = Duration.ofMillis(20);
  static final Duration MOST_REST = Duration.ofMillis(50);

  private long notBeforeNanos;

  ReadingPace(long nowNanos) {
    notBeforeNanos = nowNanos;
  }

  /** A reading has ended. */
  void read(long tookNanos, long nowNanos) {
    long paidUntilNanos =
        later(notBeforeNanos, nowNanos - tookNanos - BURST.toNanos()) + 2 * tookNanos;
    notBeforeNanos = earlier(paidUntilNanos, nowNanos + MOST_REST.toNanos());
  }

  /** What is left of the rest; none where this is not above zero. */
  long waitNanos(long nowNanos) {
    return notBeforeNanos - nowNanos;
  }

  private static long later(long a, long b) {
    return a - b > 0 ? a : b;
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }
}
