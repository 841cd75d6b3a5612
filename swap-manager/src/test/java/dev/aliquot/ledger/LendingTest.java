package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is lent to whom, and what comes back when there is room. */
class LendingTest extends LendingFixture {
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
  void aLoanIsRefusedWhereNothingIsLeftToLend() {
    aHolds(800);
    pagesB.holdMovable(0, 800);
    AskResult.Refused refused = refusal(ask(a, 900));
    assertThat(refused.cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND);
    assertThat(refused.sentence()).contains("0 B can be lent now", "request is 400 B");
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
    assertThat(refusal(ask(a, 801)).cause()).isEqualTo(AskResult.Cause.LIMIT);
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
    grantsAreForgotten();
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
    assertThat(refusal(ask(a, 701)).cause()).isEqualTo(AskResult.Cause.NOTHING_TO_LEND);
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
}
