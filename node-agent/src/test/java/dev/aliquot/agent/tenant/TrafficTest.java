package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.page.PinReason;
import dev.aliquot.agent.view.MoveView;
import dev.aliquot.agent.view.SwapView;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
    return traffic.view(SwapMode.PREFERRED, new Pinned(), false, SECOND);
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
                List.of(),
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
    assertThat(traffic.view(SwapMode.ALLOWED, new Pinned(), false, 62 * SECOND).stays()).isEmpty();
    moved(false, MoveOutcome.DONE, GB, SECOND, SECOND);
    assertThat(view().stays()).isEmpty();
    moved(false, MoveOutcome.NOTHING, 0, 0, 0);
    traffic.swappedOut();
    assertThat(view().stays()).as("all that moves is out").isEmpty();
  }

  @Test
  void whatIsPinnedIsWhyItStaysWhereItIsToLeaveAndNothingElseKeepsIt() {
    Pinned pinned = new Pinned(Map.of(PinReason.SHARED, 512L << 20, PinReason.RDMA, 3L << 30));
    String said = "512 MiB shared by IPC, 3.0 GiB registered for RDMA";
    assertThat(stays(pinned, false)).as("nobody wants anything of it").isEmpty();
    assertThat(stays(pinned, true)).isEqualTo(said);
    moved(false, MoveOutcome.NOTHING, 0, 0, 0);
    assertThat(stays(pinned, false)).as("what it had that moves is out").isEqualTo(said);
    traffic.staysHot("the driver refused a step", SECOND);
    assertThat(stays(pinned, true)).isEqualTo(said + "; the driver refused a step");
    moved(false, MoveOutcome.BUSY, 0, 0, 5 * SECOND);
    assertThat(stays(pinned, true)).isEqualTo("what runs on the device does not end");
    moved(false, MoveOutcome.DONE, GB, SECOND, SECOND);
    assertThat(stays(new Pinned(), true)).as("it has ended").isEqualTo("the driver refused a step");
  }

  private String stays(Pinned pinned, boolean leaves) {
    return traffic.view(SwapMode.ALLOWED, pinned, leaves, SECOND).stays();
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
