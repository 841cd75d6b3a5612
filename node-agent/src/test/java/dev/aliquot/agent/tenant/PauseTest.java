package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What has failed is tried again ever later. */
class PauseTest {
  private final Pause pause = new Pause();
  private long now = 5;

  private void lastsFor(Duration time) {
    assertThat(pause.lasts(now + time.toNanos() - 1)).isTrue();
    assertThat(pause.lasts(now + time.toNanos())).isFalse();
  }

  @Test
  void whatHasNotFailedMayBeTriedAtOnce() {
    assertThat(pause.lasts(now)).isFalse();
  }

  @Test
  void eachFailureInARowDoublesIt() {
    for (int minutes : new int[] {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
      pause.failed(now);
      lastsFor(Duration.ofMinutes(minutes));
      now += Duration.ofHours(2).toNanos();
    }
  }

  @Test
  void afterASuccessItIsShortAgain() {
    pause.failed(now);
    pause.failed(now);
    pause.over();
    assertThat(pause.lasts(now)).isFalse();
    pause.failed(now);
    lastsFor(Duration.ofMinutes(1));
  }
}
