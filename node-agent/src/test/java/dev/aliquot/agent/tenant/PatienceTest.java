package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PatienceTest {
  private long now = Long.MAX_VALUE - 1000;
  private boolean turn;
  private final Patience patience = new Patience(() -> now);

  private Duration usedAfter(Duration time) {
    now += time.toNanos();
    return patience.used(() -> turn);
  }

  @Test
  void theTurnsOfOthersDoNotCount() {
    assertThat(usedAfter(Duration.ofSeconds(1))).isEqualTo(Duration.ofSeconds(1));
    turn = true;
    assertThat(usedAfter(Duration.ofSeconds(50))).isEqualTo(Duration.ofSeconds(1));
    turn = false;
    assertThat(usedAfter(Duration.ofSeconds(2))).isEqualTo(Duration.ofSeconds(3));
  }
}
