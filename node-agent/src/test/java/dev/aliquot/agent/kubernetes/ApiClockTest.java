package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ApiClockTest {
  private static final Instant OWN = Instant.parse("2031-05-05T05:05:05.5Z");

  private long nanos = Long.MAX_VALUE - 5;
  private Instant own = OWN;
  private final ApiClock clock = new ApiClock(() -> own, () -> nanos);

  @Test
  void withoutAnAnswerTheOwnClockHasToDo() {
    clock.hear("yesterday");
    assertThat(clock.now()).isEqualTo(Instant.parse("2031-05-05T05:05:05Z"));
  }

  @Test
  void theServersTimeGoesOnByTheClockThatNeverJumps() {
    clock.hear("Sun, 29 Nov 2026 10:00:00 GMT");
    own = Instant.EPOCH;
    nanos += Duration.ofMinutes(5).toNanos();
    assertThat(clock.now()).isEqualTo(Instant.parse("2026-11-29T10:05:00Z"));
    clock.hear("not a date");
    assertThat(clock.now()).isEqualTo(Instant.parse("2026-11-29T10:05:00Z"));
  }

  @Test
  void anOldAnswerIsNotBelievedForEver() {
    clock.hear("Sun, 29 Nov 2026 10:00:00 GMT");
    nanos += Duration.ofHours(2).toNanos();
    assertThat(clock.now()).isEqualTo(Instant.parse("2031-05-05T05:05:05Z"));
  }
}
