package dev.aliquot.agent.kmsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class LogClockTest {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  private Instant wall = NOON;
  private Duration uptime = Duration.ofDays(10);
  private final LogClock clock = new LogClock(() -> wall, () -> uptime);

  private static KernelRecord at(Duration sinceBoot) {
    return new KernelRecord(1, sinceBoot.toNanos() / 1000, 0, 6, "x");
  }

  private Instant time(Duration sinceBoot) {
    return clock.timeOf(at(sinceBoot), false);
  }

  @Test
  void aRecordIsAsOldAsItsDistanceFromNow() {
    assertThat(time(uptime.minusSeconds(90))).isEqualTo(NOON.minusSeconds(90));
    // The wall clock is set: ages stay.
    wall = NOON.plus(Duration.ofHours(5));
    assertThat(time(uptime.minusSeconds(90))).isEqualTo(wall.minusSeconds(90));
  }

  @Test
  void aRecordThatWasWaitedForShowsTheDriftOfTheLogsClock() {
    Duration drift = Duration.ofSeconds(40);
    assertThat(clock.timeOf(at(uptime.minus(drift)), true)).isEqualTo(NOON);
    assertThat(time(uptime.minus(drift).minusSeconds(3))).isEqualTo(NOON.minusSeconds(3));
    assertThat(clock.timeOf(at(uptime.plus(drift)), true)).isEqualTo(NOON);
    assertThat(time(uptime.plus(drift).minusSeconds(3))).isEqualTo(NOON.minusSeconds(3));
    assertThat(time(Duration.ZERO)).as("never before the start").isEqualTo(NOON.minus(uptime));
  }

  @Test
  void stampsOfAnotherMachineAreNoDrift() {
    assertThat(clock.timeOf(at(Duration.ZERO), true)).isEqualTo(NOON.minus(uptime));
    assertThat(clock.timeOf(at(uptime.multipliedBy(9)), true)).isEqualTo(NOON);
    assertThat(time(uptime.minusSeconds(5))).isEqualTo(NOON.minusSeconds(5));
  }

  @Test
  void anyStampIsATimeBetweenTheStartAndNow() {
    for (long micros : new long[] {-1, 0, 1, Long.MAX_VALUE}) {
      for (boolean waitedFor : new boolean[] {false, true}) {
        assertThat(clock.timeOf(new KernelRecord(1, micros, 0, 6, "x"), waitedFor))
            .isBetween(NOON.minus(uptime), NOON);
      }
    }
    assertThat(clock.timeOf(new KernelRecord(-1, -1, 0, 6, "x"), false)).isEqualTo(NOON);
  }
}
