package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What an ask was granted is the asker's before it has used it. */
class GrantedTest extends LendingFixture {

  private void aGoesForB() {
    device.swapPolicy(claimant -> List.of(new Leaver("a", Readiness.IDLE)));
    aHolds(1300);
    assertThat(ask(b, 1400)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.demote(0, 1300);
    pagesA.parked.add(0);
    assertThat(ask(b, 1400)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whoLeftForItDoesNotHaveItBackAtOnce() {
    aGoesForB();
    assertThat(a.resume(0, true)).isNotInstanceOf(AskResult.Granted.class);
    read();
    assertThat(a.resume(0, true)).isNotInstanceOf(AskResult.Granted.class);
    assertThat(b.creditBytes(0)).isEqualTo(1400);
  }

  @Test
  void aGuaranteedAskWaitsUntilItCanBeDemanded() {
    aGoesForB();
    assertThat(a.resume(0, false)).isNotInstanceOf(AskResult.Granted.class);
    assertThat(b.creditBytes(0)).isEqualTo(1400);
    pagesB.holdMovable(0, 1400);
    assertThat(a.resume(0, false)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident).containsEntry(0, 1200L);
  }

  @Test
  void aLoanThatCouldUseItInsteadIsNotRefusedBefore() {
    aGoesForB();
    device.swapPolicy(SwapPolicy.NEVER);
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.holdMovable(0, 1400);
    assertThat(a.resume(0, true)).as("its own part").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident).containsEntry(0, 1200L);
  }

  @Test
  void whoDoesNotUseItDoesWithout() {
    aGoesForB();
    grantsAreForgotten();
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.AfterReading.class);
    read();
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.Granted.class);
    assertThat(b.creditBytes(0)).isLessThan(1400);
  }

  @Test
  void whoHasUsedItAndFreesItLeavesItToOthers() {
    aGoesForB();
    pagesB.holdMovable(0, 1400);
    b.moved();
    pagesB.holdMovable(0, 0);
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.AfterReading.class);
  }

  @Test
  void whoHasUsedItAndFreedItBeforeAnybodyLookedLeavesItToOthers() {
    aGoesForB();
    pagesB.changes.put(0, 1L);
    assertThat(a.resume(0, true)).as("about to use it").isInstanceOf(AskResult.MakingRoom.class);
    pagesB.changes.put(0, 4L);
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.AfterReading.class);
  }

  @Test
  void anotherAskOfTheSameProcessIsAboutWhatItWantsByThen() {
    aGoesForB();
    assertThat(ask(b, 1500)).isInstanceOf(AskResult.Granted.class);
    assertThat(b.ask(0, 100)).isEqualTo(new AskResult.Granted(b.creditBytes(0)));
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.AfterReading.class);
  }
}
