package dev.aliquot.agent.kmsg;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Supplier;

/**
 * When records were written. The kernel stamps them by a clock that starts with the machine and
 * that nobody corrects, so in weeks it comes to be a minute off the monotonic one; a record that
 * was waited for shows by how much. Wall time is looked at only at the moment of reading: it jumps.
 */
final class LogClock {
  /**
   * Clocks that are further apart than this part of the uptime have nothing to do with each other.
   */
  private static final int MOST_DRIFT = 1000;

  private static final Duration ALWAYS_ALLOWED = Duration.ofSeconds(1);

  private final InstantSource wall;
  private final Supplier<Duration> monotonic;
  private Duration drift = Duration.ZERO;

  LogClock(InstantSource wall, Supplier<Duration> monotonic) {
    this.wall = wall;
    this.monotonic = monotonic;
  }

  /**
   * Never in the future, and not before the machine's start.
   *
   * @param waitedFor whether it was read as soon as it was there
   */
  Instant timeOf(KernelRecord record, boolean waitedFor) {
    Instant now = wall.instant();
    if (record.sinceBootMicros() == KernelRecord.UNKNOWN) {
      return now;
    }
    Duration uptime = monotonic.get();
    Duration age = uptime.minus(micros(record.sinceBootMicros()));
    if (waitedFor && age.abs().compareTo(mostDrift(uptime)) <= 0) {
      drift = age;
    }
    age = age.minus(drift);
    if (age.isNegative()) {
      return now;
    }
    return now.minus(age.compareTo(uptime) > 0 ? uptime : age);
  }

  private static Duration mostDrift(Duration uptime) {
    Duration part = uptime.dividedBy(MOST_DRIFT);
    return part.compareTo(ALWAYS_ALLOWED) > 0 ? part : ALWAYS_ALLOWED;
  }

  private static Duration micros(long micros) {
    return Duration.ofSeconds(micros / 1_000_000, micros % 1_000_000 * 1_000);
  }
}
