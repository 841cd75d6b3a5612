package dev.aliquot.agent.tenant;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * How long a process has waited to come back, but for the turns of others: those end by themselves,
 * and are worth waiting for. Thread-safe.
 */
final class Patience {
  private final LongSupplier monotonic;
  private long lastNanos;
  private long usedNanos;

  /**
   * @param monotonic in nanoseconds
   */
  Patience(LongSupplier monotonic) {
    this.monotonic = monotonic;
    this.lastNanos = monotonic.getAsLong();
  }

  /**
   * Looked at often enough, it is right by the time between two looks.
   *
   * @param turn whether another tenant is in the middle of its turn
   */
  synchronized Duration used(BooleanSupplier turn) {
    long nowNanos = monotonic.getAsLong();
    usedNanos += turn.getAsBoolean() ? 0 : nowNanos - lastNanos;
    lastNanos = nowNanos;
    return Duration.ofNanos(usedNanos);
  }
}
