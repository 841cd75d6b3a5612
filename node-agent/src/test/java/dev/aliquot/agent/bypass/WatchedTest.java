package dev.aliquot.agent.bypass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.process.ProcessId;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** When readings are enough to act on. */
class WatchedTest {
  private static final long HALF_PERIOD = 500;

  private static Sighting sighting(Kind kind, boolean exact) {
    return new Sighting(new ProcessId(7, 1), "x", kind, 1, exact, null);
  }

  private static Watched watched(Kind kind, boolean exact) {
    return new Watched(sighting(kind, exact), "GPU-x", "", Instant.EPOCH, 0);
  }

  @Test
  void oneReadingTellsOfItAndTwoActOnIt() {
    Watched watched = watched(Kind.UNATTACHED, true);
    assertThat(watched.isFound()).isTrue();
    assertThat(watched.begin(0)).isFalse();
    watched.again(sighting(Kind.UNATTACHED, true), 1000, HALF_PERIOD);
    assertThat(watched.begin(1000)).isTrue();
    assertThat(watched.begin(1000)).as("once").isFalse();
  }

  @Test
  void readingsThatFollowAtOnceCountAsOne() {
    Watched watched = watched(Kind.UNATTACHED, true);
    for (int i = 0; i < 20; i++) {
      watched.again(sighting(Kind.UNATTACHED, true), HALF_PERIOD - 1, HALF_PERIOD);
    }
    assertThat(watched.begin(HALF_PERIOD)).isFalse();
  }

  @Test
  void aReportThatMovesNeedsManyReadingsButDoesNotHideForEver() {
    Watched watched = watched(Kind.UNDERREPORTING, false);
    for (int i = 1; i < 9; i++) {
      watched.again(sighting(Kind.UNDERREPORTING, false), i * 1000L, HALF_PERIOD);
      assertThat(watched.isFound()).isFalse();
    }
    watched.again(sighting(Kind.UNDERREPORTING, false), 9000, HALF_PERIOD);
    assertThat(watched.isFound()).isTrue();
    assertThat(watched.begin(9000)).isTrue();
  }

  @Test
  void whatFailedIsTriedAgainLater() {
    Watched watched = watched(Kind.UNATTACHED, true);
    watched.again(sighting(Kind.UNATTACHED, true), 1000, HALF_PERIOD);
    assertThat(watched.begin(1000)).isTrue();
    watched.settle(new Outcome("reported, not suspended: busy", false), 2000);
    assertThat(watched.begin(3000)).isFalse();
    assertThat(watched.begin(31_000_000_000L)).isTrue();
    watched.settle(new Outcome("suspended", true), 31_000_000_000L);
    assertThat(watched.begin(99_000_000_000L)).isFalse();
  }
}
