package dev.aliquot.agent.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.view.HistoryView;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class HistoryTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private long nanos = Long.MAX_VALUE - 3; // the clock may begin anywhere, and overflows
  private Instant now = START;
  private final AtomicReference<Gauge.Level> level = new AtomicReference<>();
  private final History history =
      new History(List.of(new Gauge("GPU-1", level::get)), () -> nanos, () -> now);

  private void pass(Duration time) {
    nanos += time.toNanos();
    now = now.plus(time);
  }

  /** Looks twice a second for so long. */
  private void run(Duration time, long bytes, int percent) {
    level.set(new Gauge.Level(bytes, percent));
    look(time);
  }

  private void look(Duration time) {
    for (long i = 0; i < time.toMillis() / 500; i++) {
      history.tick();
      pass(Duration.ofMillis(500));
    }
  }

  private HistoryView.DevicePast past() {
    return history.view().devices().getFirst();
  }

  @Test
  void nothingIsKnownInTheFirstSlot() {
    run(Duration.ofSeconds(4), 10, 50);
    assertThat(history.latest()).isNull();
    assertThat(history.view().slot()).isEqualTo(-1);
    assertThat(past().usedBytes()).isEmpty();
  }

  @Test
  void aPointIsTheMeanUtilisationAndTheMostMemoryOfItsTime() {
    run(Duration.ofMillis(2500), 100, 20);
    run(Duration.ofMillis(2500), 40, 81);
    run(Duration.ofSeconds(5), 7, 0);
    assertThat(past().utilizationPercent()).containsExactly(51, 0);
    assertThat(past().usedBytes()).containsExactly(100L, 7L);
    assertThat(history.latest())
        .isEqualTo(new HistoryView.Point(1, List.of(new HistoryView.DevicePoint("GPU-1", 0, 7))));
    assertThat(history.view().end()).isEqualTo(START.plusSeconds(10));
  }

  @Test
  void aSilentDriverLeavesAGapAndNoZero() {
    run(Duration.ofSeconds(5), 100, 20);
    level.set(null);
    look(Duration.ofSeconds(10));
    run(Duration.ofSeconds(5), 100, -1);
    assertThat(past().usedBytes()).containsExactly(100L, -1L, -1L, 100L);
    assertThat(past().utilizationPercent()).as("a driver that does not say").endsWith(-1);
    assertThat(past().utilizationPercent()).containsExactly(20, -1, -1, -1);
  }

  @Test
  void timeInWhichNobodyLookedIsAGap() {
    run(Duration.ofSeconds(5), 100, 20);
    pass(Duration.ofSeconds(20));
    run(Duration.ofSeconds(5), 50, 10);
    assertThat(past().usedBytes()).containsExactly(100L, -1L, -1L, -1L, -1L, 50L);
    assertThat(history.view().slot()).isEqualTo(5);
  }

  @Test
  void anHourIsKeptAndNoMore() {
    for (int slot = 0; slot < History.POINTS + 10; slot++) {
      run(History.STEP, slot, slot % 100);
    }
    assertThat(past().usedBytes()).hasSize(History.POINTS).startsWith(10L, 11L).endsWith(729L);
    assertThat(history.view().slot()).isEqualTo(729);
  }

  @Test
  void ofAPauseLongerThanAnHourOnlyGapsAreLeft() {
    run(Duration.ofSeconds(5), 100, 20);
    pass(Duration.ofHours(30));
    level.set(null);
    history.tick();
    assertThat(past().usedBytes()).hasSize(History.POINTS).containsOnly(-1L);
    run(Duration.ofSeconds(5), 3, 20);
    assertThat(past().usedBytes()).hasSize(History.POINTS).endsWith(-1L, 3L);
  }

  @Test
  void aClockThatIsSetChangesOnlyWhatIsShownOfTime() {
    run(Duration.ofSeconds(10), 100, 20);
    now = now.minus(Duration.ofDays(400));
    run(Duration.ofSeconds(5), 100, 20);
    assertThat(past().usedBytes()).containsExactly(100L, 100L, 100L);
    assertThat(history.view().end()).isEqualTo(now);
  }
}
