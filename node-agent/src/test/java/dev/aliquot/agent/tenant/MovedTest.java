package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.page.ControlPage;
import dev.aliquot.agent.page.UsageWriter;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.PeerProcess;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.ledger.AskResult;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a process's report of what it moved has others do. */
class MovedTest extends TenantFixture {
  private Device device;
  private Tenant owner;
  private Tenant borrower;
  private Member ownersProcess;
  private Member process;
  private UsageWriter usage;
  private ControlPage control;
  private Answers answers;

  /** All but 1 GiB of the borrower's 3 GiB is another's, who waits for it. */
  @BeforeEach
  void lend() throws Exception {
    device = device();
    owner = tenant("owner", device, 3 * GIB, 3 * GIB);
    borrower = tenant("borrower", device, GIB, 4 * GIB);
    process = attach(borrower);
    usage = new UsageWriter(files(borrower).usage(), process.slot);
    control = ControlPage.open(files(borrower).control());
    assertThat(ask(borrower, process)).isInstanceOf(AskResult.Granted.class);
    usage.hold(0, 3 * GIB);
    ownersProcess = attach(owner);
    demand();
    answers =
        new Answers(
            borrower,
            context,
            unused -> CompletableFuture.failedFuture(new IllegalStateException("no reading")),
            Duration.ZERO);
  }

  @AfterEach
  void release() {
    control.close();
    owner.release();
    borrower.release();
  }

  private static AskResult ask(Tenant tenant, Member member) {
    return tenant.ask(member, tenant.holding(0).orElseThrow(), 3 * GIB).orElseThrow();
  }

  private void demand() {
    assertThat(ask(owner, ownersProcess)).isInstanceOf(AskResult.MakingRoom.class);
  }

  /** Whether who waits for memory of the device goes on at it. */
  private boolean reportIsHeard(MoveOutcome outcome, int wake) {
    CompletableFuture<Void> heard = device.room().next().within(Duration.ofHours(1));
    answer(new Request.Moved(process.slot, process.generation, 0, outcome, false, wake, 0, 0, 0));
    return heard.isDone();
  }

  private void answer(Request request) {
    assertThat(
            answers
                .answer(new PeerProcess(process.id.pid(), 0, 0), request, () -> false)
                .toCompletableFuture()
                .join())
        .isInstanceOf(Reply.Granted.class);
  }

  private void moved(boolean promoted) {
    answer(
        new Request.Moved(
            process.slot, process.generation, 0, MoveOutcome.DONE, promoted, wake(), GIB, 1, 1));
  }

  private int wake() {
    return control.wakeWord(process.slot);
  }

  @Test
  void itIsHeardWhereSomethingHasBeenGivenBackAndOnlyThen() throws Exception {
    assertThat(reportIsHeard(MoveOutcome.DONE, wake())).isFalse();
    usage.hold(0, 2 * GIB);
    assertThat(reportIsHeard(MoveOutcome.DONE, wake())).isTrue();
    assertThat(reportIsHeard(MoveOutcome.DONE, wake())).isFalse();
  }

  @Test
  void anExchangeIsAReturnOfAProcessThatWasAwayAndIsCountedOnce() throws Exception {
    owner.withdraw(ownersProcess, owner.holding(0).orElseThrow());
    moved(true);
    assertThat(context.residencies().exchangesPerMinute(device)).as("promoted only").isZero();
    assertThat(borrower.swapOut(false)).isTrue();
    usage.report(process.generation, 1, 0);
    usage.park(0, GIB);
    moved(false);
    moved(false);
    assertThat(borrower.views().getFirst().swap().swapOuts()).as("it left once").isEqualTo(1);
    answer(new Request.Resume(process.slot, process.generation));
    moved(true);
    moved(true);
    assertThat(context.residencies().exchangesPerMinute(device)).isEqualTo(1);
  }

  @Test
  void aFailureIsHeardOnce() {
    assertThat(reportIsHeard(MoveOutcome.BUSY, wake())).isTrue();
    assertThat(reportIsHeard(MoveOutcome.BUSY, wake())).isFalse();
  }

  @Test
  void aFailureThatIsLateIsNotHeldAgainstWhatHasBeenDemandedSince() {
    int earlier = wake();
    owner.withdraw(ownersProcess, owner.holding(0).orElseThrow());
    demand();
    assertThat(reportIsHeard(MoveOutcome.BUSY, earlier)).isFalse();
    demand();
    assertThat(reportIsHeard(MoveOutcome.BUSY, wake())).isTrue();
    assertThat(ask(owner, ownersProcess)).isInstanceOf(AskResult.Refused.class);
  }
}
