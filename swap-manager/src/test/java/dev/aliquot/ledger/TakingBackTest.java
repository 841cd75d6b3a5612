package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/**
 * What is lent is taken back for the one whose request it is, and whose fault it is where it is
 * not.
 */
class TakingBackTest extends LendingFixture {
  @Test
  void aTenantBelowItsRequestGetsWhatIsLentBack() {
    aHolds(1500);
    assertThat(ask(b, 800)).isEqualTo(new AskResult.MakingRoom(700));
    assertThat(pagesA.resident).containsEntry(0, 800L);
    assertThat(a.creditBytes(0)).as("nothing new meanwhile").isEqualTo(800);
    assertThat(a.coveredBytes(0)).isEqualTo(1500);
    pagesA.demote(0, 300);
    a.moved();
    assertThat(ask(b, 800)).isEqualTo(new AskResult.MakingRoom(400));
    pagesA.demote(0, 400);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(a.loanBytes()).isEqualTo(400);
    assertThat(a.demotedBytes()).isEqualTo(700);
    assertThat(device.isMakingRoom()).isFalse();
  }

  @Test
  void moreOfTheRequestIsTakenBackThanIsAskedForSoThatTheNextStepsNeedNotWait() {
    aHolds(1500);
    assertThat(ask(b, 150)).isEqualTo(new AskResult.MakingRoom(300));
    assertThat(pagesA.resident).containsEntry(0, 1200L);
    pagesA.demote(0, 60);
    a.moved();
    assertThat(ask(b, 150)).isEqualTo(new AskResult.Granted(160));
    assertThat(pagesA.resident).as("the rest is still to come").containsEntry(0, 1200L);
    assertThat(device.isMakingRoom()).isTrue();
    pagesA.demote(0, 240);
    a.moved();
    read();
    assertThat(b.creditBytes(0)).as("without an ask").isEqualTo(400);
    device.checkDemands(3);
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(device.isMakingRoom()).isFalse();
  }

  @Test
  void neverMoreThanTheRequestIsTakenBackAhead() {
    aHolds(1500);
    assertThat(ask(b, 700)).isEqualTo(new AskResult.MakingRoom(700));
    b.withdraw(0);
    assertThat(a.creditBytes(0)).isEqualTo(1500);
  }

  @Test
  void aBorrowerThatDoesNotGiveWhatWasDemandedAheadKeepsItInTheEnd() {
    aHolds(1500);
    assertThat(ask(b, 150)).isEqualTo(new AskResult.MakingRoom(300));
    pagesA.demote(0, 60);
    assertThat(ask(b, 150)).isInstanceOf(AskResult.Granted.class);
    for (int i = 0; i < 4; i++) {
      assertThat(device.isMakingRoom()).as("look %d", i).isTrue();
      device.checkDemands(3);
    }
    assertThat(device.isMakingRoom()).isFalse();
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(a.creditBytes(0)).isEqualTo(1440);
  }

  @Test
  void nobodyElseGetsWhatIsBeingFreedForAClaim() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.demote(0, 700);
    a.moved();
    read();
    assertThat(refusal(ask(a, 900)).cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whatCannotMoveMakesTheAskStuckAndIsSaid() {
    aHolds(1500);
    pagesA.movable.put(0, 100L);
    AskResult.Refused refused = refusal(ask(b, 800));
    assertThat(refused.cause()).isEqualTo(AskResult.Cause.STUCK);
    assertThat(refused.sentence()).contains("700 B are guaranteed", "1.1 KiB are lent");
    assertThat(a.kept()).as("100 are still to come").isEmpty();
    pagesA.demote(0, 100);
    a.moved();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Refused.class);
    assertThat(a.kept()).contains(new Kept(0, 1000));
    assertThat(b.kept()).isEmpty();
    b.withdraw(0);
    assertThat(a.kept()).as("nobody waits").isEmpty();
    assertThat(pagesA.resident).as("the demand is off").containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(a.creditBytes(0)).isEqualTo(1400);
  }

  @Test
  void aBorrowerThatCouldNotGiveBackIsLeftAloneUntilForgiven() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    a.couldNotMove(0, pagesA.wake(0));
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Refused.class);
    device.forgiveStuck();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
  }

  @Test
  void aFailureUnderAnEarlierDemandIsNotHeldAgainstALaterOne() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    int earlier = pagesA.wake(0);
    b.withdraw(0);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(a.couldNotMove(0, earlier)).isFalse();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(a.couldNotMove(0, pagesA.wake(0))).isTrue();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void aFailureCountsAlsoWhenMoreHasBeenDemandedMeanwhile() {
    aHolds(1500);
    assertThat(ask(b, 150)).isInstanceOf(AskResult.MakingRoom.class);
    int begun = pagesA.wake(0);
    assertThat(ask(b, 800)).isEqualTo(new AskResult.MakingRoom(700));
    assertThat(pagesA.wake(0)).isGreaterThan(begun);
    assertThat(a.couldNotMove(0, begun)).isTrue();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void aReportSaysWhetherAnythingHasComeOfIt() {
    aHolds(1500);
    assertThat(a.moved()).as("nothing is demanded").isFalse();
    assertThat(a.couldNotMove(0, pagesA.wake(0))).isFalse();
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(a.moved()).as("nothing has been given back").isFalse();
    pagesA.demote(0, 100);
    assertThat(a.moved()).isTrue();
    assertThat(a.moved()).as("once").isFalse();
    assertThat(a.couldNotMove(0, pagesA.wake(0))).isTrue();
    assertThat(a.couldNotMove(0, pagesA.wake(0))).as("once").isFalse();
  }

  @Test
  void hostMemoryIsForWhatIsDemandedAndAPieceAndNotMore() {
    aHolds(1500);
    assertThat(a.mostHostBytes(0, 7, 64)).as("nothing is demanded").isEqualTo(7);
    assertThat(ask(b, 150)).isEqualTo(new AskResult.MakingRoom(300));
    assertThat(a.mostHostBytes(0, 7, 64)).isEqualTo(7 + 300 + 64);
    assertThat(a.mostHostBytes(0, 107, 64)).as("however much it has had").isEqualTo(371);
    pagesA.demoted.put(0, 1000L);
    assertThat(a.mostHostBytes(0, 107, 64)).as("whatever it says").isEqualTo(371);
    pagesA.demoted.put(0, 0L);
    assertThat(ask(b, 800)).isEqualTo(new AskResult.MakingRoom(700));
    assertThat(a.mostHostBytes(0, 107, 64)).as("more is demanded").isEqualTo(7 + 700 + 64);
    assertThat(a.mostHostBytes(1, 3, 64)).as("no such process").isEqualTo(3);
    b.withdraw(0);
    assertThat(a.mostHostBytes(0, 107, 64)).isEqualTo(107);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(a.mostHostBytes(0, 107, 64)).as("another demand").isEqualTo(107 + 700 + 64);
    assertThat(a.mostHostBytes(0, 107, 4096)).as("all it could hold").isEqualTo(107 + 1500);
  }

  @Test
  void whatIsDemandedAfterADemandWasMetMayTakeAPieceMore() {
    aHolds(1500);
    assertThat(ask(b, 150)).isEqualTo(new AskResult.MakingRoom(300));
    assertThat(a.mostHostBytes(0, 0, 64)).isEqualTo(300 + 64);
    pagesA.demote(0, 320);
    a.moved();
    assertThat(ask(b, 800)).isEqualTo(new AskResult.MakingRoom(380));
    assertThat(a.mostHostBytes(0, 320, 64)).isEqualTo(300 + 380 + 2 * 64);
  }

  @Test
  void whoGivesUpWaitingLetsTheBorrowerKeepItsMemory() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.demote(0, 100);
    b.withdraw(0);
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(a.creditBytes(0)).isEqualTo(1400);
  }

  @Test
  void aDeadAskerLetsTheBorrowerKeepItsMemory() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    b.detach(0);
    assertThat(device.isMakingRoom()).isFalse();
    assertThat(a.creditBytes(0)).isEqualTo(1500);
  }

  @Test
  void aBorrowerThatNeverAnswersIsNotWaitedForForEver() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    for (int i = 0; i < 3; i++) {
      device.checkDemands(3);
      assertThat(ask(b, 800)).as("look %d", i).isInstanceOf(AskResult.MakingRoom.class);
    }
    device.checkDemands(3);
    assertThat(refusal(ask(b, 800)).cause()).isEqualTo(AskResult.Cause.STUCK);
    pagesA.demote(0, 700);
    assertThat(ask(b, 800)).as("it has answered").isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aDeadBorrowerMakesRoom() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    a.detach(0);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aRestartInTheMiddleOfADemandLeavesEverybodyWhatTheyHold() {
    DeviceBook later = new DeviceBook("GPU-1", 1600);
    later.restore("a", new Share(400, 1600));
    FakeSlots pages = new FakeSlots();
    pages.holdMovable(3, 1400);
    TenantBook book = later.open("a", pages);
    book.restore(3, 800, 1500, true, false);
    assertThat(book.creditBytes(3)).isEqualTo(1400);
    assertThat(pages.resident).containsEntry(3, SlotPort.RESIDENT_ALL);
    assertThat(pages.covered).containsEntry(3, 1400L);
  }

  @Test
  void aRestartInTheMiddleOfADemandBelievesNobodyMoreThanHeCouldHold() {
    DeviceBook later = new DeviceBook("GPU-1", 1600);
    later.restore("a", new Share(400, 1600));
    FakeSlots pages = new FakeSlots();
    pages.used.put(3, 1600L);
    TenantBook book = later.open("a", pages);
    book.restore(3, 800, 900, true, false);
    assertThat(book.coveredBytes(3)).isEqualTo(900);
  }
}
