package dev.aliquot.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ReadingPaceTest {
  private static final long TOOK = Duration.ofMillis(2).toNanos();

  /** Near the largest value, where comparing instead of subtracting goes wrong. */
  private long now = Long.MAX_VALUE - Duration.ofMillis(30).toNanos();

  private final ReadingPace pace = new ReadingPace(now);

  @Test
  void aFewReadingsInARowAreMadeAtOnce() {
    now += Duration.ofSeconds(1).toNanos();
    for (int i = 0; i < 5; i++) {
      assertThat(pace.waitNanos(now)).isNotPositive();
      read(TOOK);
    }
  }

  @Test
  void whoeverAsksInALoopGetsHalfOfTheTime() {
    long began = now;
    for (int i = 0; i < 1000; i++) {
      now += Math.max(0, pace.waitNanos(now));
      read(TOOK);
    }
    double share = (double) (1000 * TOOK) / (now - began);
    assertThat(share).isBetween(0.5, 0.51);
  }

  @Test
  void aReadingThatTookVeryLongIsNotRestedFromForAsLong() {
    read(Duration.ofSeconds(5).toNanos());
    assertThat(pace.waitNanos(now)).isEqualTo(ReadingPace.MOST_REST.toNanos());
  }

  private void read(long tookNanos) {
    now += tookNanos;
    pace.read(tookNanos, now);
  }
}
