package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Two tenants on a device of 1600: one borrows, the other claims its own. */
class LendingTest {
  private static final long DEMAND_AHEAD = 250;
  private final DeviceBook device = new DeviceBook("GPU-1", 1600, DEMAND_AHEAD);
  private final FakeSlots pagesA = new FakeSlots();
  private final FakeSlots pagesB = new FakeSlots();
  private final TenantBook a = open("a", new Share(400, 1600), pagesA);
  private final TenantBook b = open("b", new Share(800, 1600), pagesB);

  private TenantBook open(String tenant, Share share, FakeSlots pages) {
    assertThat(device.admit(tenant, share)).isEqualTo(new Admission.Admitted());
    TenantBook book = device.open(tenant, pages);
    book.attach(0);
    return book;
  }

  private void read() {
    for (TenantBook book : new TenantBook[] {a, b}) {
      book.beginReading();
    }
    for (TenantBook book : new TenantBook[] {a, b}) {
      book.endReading(book.overheadBytes());
    }
  }

  private AskResult ask(TenantBook book, long wantedBytes) {
    AskResult result = book.ask(0, wantedBytes);
    if (result instanceof AskResult.AfterReading) {
      read();
      return book.ask(0, wantedBytes);
    }
    return result;
  }

  private void aHolds(long bytes) {
    assertThat(ask(a, bytes)).isInstanceOf(AskResult.Granted.class);
    pagesA.holdMovable(0, bytes);
  }

  @Test
  void aLoneProcessIsGrantedItsRequestAheadAndNoLoan() {
    assertThat(a.creditBytes(0)).isEqualTo(400);
    assertThat(a.loanBytes()).isZero();
  }

  @Test
  void whatNobodyUsesIsLentUpToTheLimit() {
    aHolds(1500);
    assertThat(a.loanBytes()).isEqualTo(1100);
    assertThat(device.loanBytes()).isEqualTo(1100);
    assertThat(ask(a, 1601)).isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void loansAreHandedAheadSoThatASteadilyGrowingTenantSeldomAsks() {
    int asks = 0;
    for (long bytes = 0; bytes <= 1500; bytes += 10) {
      if (bytes > a.creditBytes(0)) {
        asks++;
        assertThat(ask(a, bytes)).isInstanceOf(AskResult.Granted.class);
      }
      pagesA.holdMovable(0, bytes);
    }
    assertThat(asks).as("of 151 steps").isLessThan(25);
  }

  @Test
  void unusedCreditOfABorrowerIsTakenBackAfterAReading() {
    aHolds(700);
    assertThat(a.creditBytes(0)).isGreaterThan(700);
    assertThat(b.ask(0, 800)).as("ahead already").isInstanceOf(AskResult.Granted.class);
    assertThat(ask(a, 800)).isInstanceOf(AskResult.Granted.class);
  }

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
    assertThat(ask(a, 900))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> assertThat(refused.cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND));
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aLoanIsRefusedWhereNothingIsLeftToLend() {
    aHolds(800);
    pagesB.holdMovable(0, 800);
    assertThat(ask(a, 900))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> {
              assertThat(refused.cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND);
              assertThat(refused.sentence()).contains("0 B can be lent now", "request is 400 B");
            });
  }

  @Test
  void whatCannotMoveMakesTheAskStuckAndIsSaid() {
    aHolds(1500);
    pagesA.movable.put(0, 100L);
    assertThat(ask(b, 800))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> {
              assertThat(refused.cause()).isEqualTo(AskResult.Cause.STUCK);
              assertThat(refused.sentence()).contains("700 B are guaranteed", "1.1 KiB are lent");
            });
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
    assertThat(ask(b, 800))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> assertThat(refused.cause()).isEqualTo(AskResult.Cause.STUCK));
    pagesA.demote(0, 700);
    assertThat(ask(b, 800)).as("it has answered").isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aDeviceThatIsBeingLetGoOfHandsNothingOut() {
    device.stop();
    device.release("a");
    assertThat(b.ask(0, 1000)).isEqualTo(new AskResult.Stopping());
    assertThat(b.ask(0, 800)).as("what it has, it has").isInstanceOf(AskResult.Granted.class);
    assertThat(device.promote()).isZero();
  }

  @Test
  void aDeadBorrowerMakesRoom() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    a.detach(0);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void demotedDataComesBackWhenThereIsRoomAgain() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(device.promote()).as("not while somebody waits").isZero();
    pagesA.demote(0, 700);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
    pagesB.holdMovable(0, 800);
    assertThat(device.promote()).as("no room").isZero();
    b.detach(0);
    read();
    assertThat(device.promote()).isEqualTo(1);
    assertThat(a.creditBytes(0)).isEqualTo(1500);
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
  }

  @Test
  void whatIsInHostMemoryCountsAgainstTheLimit() {
    assertThat(device.resize("a", new Share(400, 1500))).isEqualTo(new Admission.Admitted());
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.demote(0, 700);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
    b.detach(0);
    read();
    assertThat(ask(a, 801))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> assertThat(refused.cause()).isEqualTo(AskResult.Cause.LIMIT));
    assertThat(ask(a, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aLargerShareIsThereAtOnceWhereItIsFree() {
    assertThat(device.resize("a", new Share(900, 1600))).isInstanceOf(Admission.Refused.class);
    assertThat(device.resize("a", new Share(800, 1600))).isEqualTo(new Admission.Admitted());
    assertThat(device.allocatedBytes()).isEqualTo(1600);
    assertThat(ask(a, 800)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aSmallerRequestTurnsWhatIsHeldIntoALoan() {
    aHolds(400);
    assertThat(device.resize("a", new Share(100, 1600))).isEqualTo(new Admission.Admitted());
    assertThat(a.loanBytes()).isEqualTo(300);
    assertThat(device.freeBytes()).isEqualTo(700);
  }

  @Test
  void whatCannotBeTakenBackIsNotPromisedToOthers() {
    aHolds(400);
    pagesA.movable.put(0, 0L);
    device.resize("a", new Share(100, 1600));
    assertThat(device.freeBytes()).isEqualTo(400);
    assertThat(device.resize("b", new Share(1201, 1600))).isInstanceOf(Admission.Refused.class);
  }

  @Test
  void dataComesBackIntoCreditThatNobodyUses() {
    aHolds(1500);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.demote(0, 700);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
    pagesB.holdMovable(0, 100);
    device.promote();
    read();
    device.promote();
    assertThat(a.creditBytes(0)).isEqualTo(1500);
    pagesA.demote(0, -700);
    assertThat(ask(b, 800)).as("it is b's all the same").isInstanceOf(AskResult.MakingRoom.class);
  }

  @Test
  void aLimitIsNoMoreThanTheDeviceHas() {
    assertThat(device.admit("c", new Share(1, 1601)))
        .isInstanceOfSatisfying(
            Admission.Refused.class,
            refused -> assertThat(refused.sentence()).contains("a limit of 1.6 KiB"));
  }

  @Test
  void noMoreIsLentThanCouldBeTakenBack() {
    device.lendable(300);
    assertThat(ask(a, 701))
        .isInstanceOfSatisfying(
            AskResult.Refused.class,
            refused -> assertThat(refused.cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND));
    assertThat(ask(a, 700)).isInstanceOf(AskResult.Granted.class);
    pagesA.holdMovable(0, 700);
    assertThat(ask(b, 801)).as("all is lent").isInstanceOf(AskResult.Refused.class);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.Granted.class);
    device.lendable(0);
    assertThat(ask(a, 701)).isInstanceOf(AskResult.Refused.class);
    pagesA.holdMovable(0, 100);
    assertThat(ask(a, 400)).as("its own").isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void unusedCreditForALoanIsNotLentAnyMoreWhenAnotherBorrows() {
    device.lendable(400);
    aHolds(500);
    assertThat(a.creditBytes(0)).isGreaterThan(500);
    assertThat(ask(b, 1100)).as("100 are lent, 300 are left").isInstanceOf(AskResult.Granted.class);
    assertThat(a.creditBytes(0)).isEqualTo(500);
  }

  @Test
  void strangersLeaveLessToLend() {
    device.foreign(1200);
    assertThat(ask(a, 500)).isInstanceOf(AskResult.Refused.class);
    device.foreign(0);
    aHolds(500);
    device.foreign(900);
    assertThat(a.creditBytes(0) + b.creditBytes(0))
        .as("unused credit is gone")
        .isBetween(500L, 1600L - 900L);
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
