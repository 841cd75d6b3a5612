package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class TrafficTest {
  private static final long GB = 1_000_000_000L;
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Traffic traffic = new Traffic();

  private void moved(
      boolean promoted, MoveOutcome outcome, long bytes, long copyNanos, long closedNanos) {
    traffic.moved(
        new Request.Moved(0, 1, 0, outcome, promoted, 0, bytes, copyNanos, closedNanos), SECOND);
  }

  private SwapView view() {
    return traffic.view(SwapMode.PREFERRED, SECOND);
  }

  @Test
  void theLastMoveEachWayIsShownWithTheRateOfItsCopies() {
    moved(false, MoveOutcome.DONE, 4 * GB, 2 * SECOND, 3 * SECOND);
    moved(true, MoveOutcome.DONE, 3 * GB, SECOND, 5 * SECOND);
    traffic.swappedOut();
    traffic.waited(Duration.ofMillis(1500));
    traffic.waited(Duration.ofMillis(500));
    assertThat(view())
        .isEqualTo(
            new SwapView(
                "preferred",
                "",
                1,
                2,
                new MoveView(4 * GB, 3, 2 * GB),
                new MoveView(3 * GB, 5, 3 * GB)));
  }

  @Test
  void whyItStaysIsShownUntilItLeavesOrForAMinute() {
    moved(false, MoveOutcome.BUSY, 0, 0, 5 * SECOND);
    assertThat(view().stays()).isEqualTo("what runs on the device does not end");
    assertThat(view().lastOut()).as("nothing was moved").isNull();
    moved(true, MoveOutcome.DONE, GB, SECOND, SECOND);
    assertThat(view().stays()).as("what came back says nothing of that").isNotEmpty();
    assertThat(traffic.view(SwapMode.ALLOWED, 62 * SECOND).stays()).isEmpty();
    moved(false, MoveOutcome.DONE, GB, SECOND, SECOND);
    assertThat(view().stays()).isEmpty();
    moved(false, MoveOutcome.NOTHING, 0, 0, 0);
    traffic.swappedOut();
    assertThat(view().stays()).as("all that moves is out").isEmpty();
  }

  @Test
  void nonsenseThatAProcessReportsIsNotShown() {
    moved(false, MoveOutcome.DONE, -1, SECOND, SECOND);
    moved(false, MoveOutcome.DONE, Long.MAX_VALUE, SECOND, SECOND);
    moved(false, MoveOutcome.DONE, GB, SECOND, Long.MAX_VALUE);
    moved(true, MoveOutcome.DONE, GB, SECOND, -1);
    assertThat(view().lastOut()).isNull();
    assertThat(view().lastIn()).isNull();
    moved(true, MoveOutcome.DONE, GB, -5, SECOND);
    assertThat(view().lastIn()).isEqualTo(new MoveView(GB, 1, 0));
  }
}
