package dev.aliquot.health.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DamperTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Damper damper = new Damper(Duration.ofSeconds(10));

  private static NodeWish wish(Grade grade, String message) {
    return new NodeWish(
        grade, new NodeCondition(grade == Grade.HEALTHY, "Reason", message), false, "", Set.of());
  }

  private static final NodeWish WELL = wish(Grade.HEALTHY, "");
  private static final NodeWish ILL = wish(Grade.UNHEALTHY, "");

  @Test
  void theFirstIsShownAtOnceAndSoIsAWorseOneAfterAQuietTime() {
    assertThat(damper.settle(WELL, 0)).isEqualTo(WELL);
    assertThat(damper.settle(ILL, 60 * SECOND)).isEqualTo(ILL);
  }

  @Test
  void flappingAHundredTimesAMinuteIsSeenAsIllAndStaysSo() {
    List<NodeWish> seen = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      NodeWish shown = damper.settle(i % 2 == 0 ? WELL : ILL, i * SECOND * 6 / 10);
      if (seen.isEmpty() || !seen.getLast().equals(shown)) {
        seen.add(shown);
      }
    }
    assertThat(seen).containsExactly(WELL, ILL);
    assertThat(damper.held()).isGreaterThan(90);
  }

  @Test
  void textsThatChangeAllTheTimeAreSeenOnceInAPeriod() {
    int changes = 0;
    NodeWish before = damper.settle(ILL, 0);
    for (int i = 1; i <= 100; i++) {
      NodeWish shown = damper.settle(wish(Grade.UNHEALTHY, "no " + i), i * SECOND * 6 / 10);
      changes += shown.equals(before) ? 0 : 1;
      before = shown;
    }
    assertThat(changes).isBetween(5, 6);
  }

  @Test
  void itIsWellAgainAfterAPeriodWithoutABreak() {
    assertThat(damper.settle(ILL, 0)).isEqualTo(ILL);
    assertThat(damper.settle(WELL, 20 * SECOND)).isEqualTo(ILL);
    assertThat(damper.settle(ILL, 25 * SECOND)).isEqualTo(ILL);
    assertThat(damper.settle(WELL, 26 * SECOND)).isEqualTo(ILL);
    assertThat(damper.settle(WELL, 35 * SECOND)).isEqualTo(ILL);
    assertThat(damper.settle(WELL, 36 * SECOND)).isEqualTo(WELL);
  }

  @Test
  void aClockThatWrapsChangesNothing() {
    long late = Long.MAX_VALUE - SECOND;
    assertThat(damper.settle(WELL, late)).isEqualTo(WELL);
    assertThat(damper.settle(ILL, late + 5 * SECOND)).isEqualTo(WELL);
    assertThat(damper.settle(ILL, late + 10 * SECOND)).isEqualTo(ILL);
  }
}
