package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A runs with its own part on the device, and most of its data over the bus: b has the rest. */
class RunningReturnTest extends LendingFixture implements SwapPolicy {
  private Readiness readiness = Readiness.IDLE;
  private boolean active = true;
  private int returns;

  @Override
  public List<Leaver> leavers(String claimant) {
    return List.of(new Leaver(claimant.equals("a") ? "b" : "a", readiness));
  }

  @Override
  public boolean isActive(String tenant) {
    return active;
  }

  @Override
  public void comesBack(String tenant) {
    returns++;
  }

  @BeforeEach
  void aRunsOverTheBus() {
    device.swapPolicy(this);
    aHolds(1300);
    a.leave(0);
    pagesA.park(0);
    assertThat(ask(b, 1300)).isInstanceOf(AskResult.Granted.class);
    pagesB.holdMovable(0, 1300);
    readiness = Readiness.NOT_YET;
    a.comeBack(0);
    pagesA.run(0);
    look();
    pagesB.demote(0, 100);
    look();
    pagesA.run(0);
    a.returned(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(400);
    assertThat(pagesA.demotedBytes(0)).isEqualTo(900);
    returns = 0;
  }

  private void look() {
    device.reclaim();
    read();
    device.reclaim();
  }

  @Test
  void itHasItsTurnWhenTheOthersIsOver() {
    look();
    assertThat(pagesB.away).as("b's turn").isEmpty();
    readiness = Readiness.DUE;
    look();
    assertThat(pagesB.away).containsExactly(0);
    pagesB.park(0);
    look();
    assertThat(returns).isEqualTo(1);
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(1300);
    assertThat(pagesA.demotedBytes(0)).isZero();
  }

  @Test
  void nobodyLeavesForATenantThatDoesNotUseTheDevice() {
    active = false;
    readiness = Readiness.DUE;
    look();
    assertThat(pagesB.away).isEmpty();
  }

  @Test
  void nobodyLeavesWhereThatWouldNotBeEnough() {
    pagesB.movable.put(0, 500L);
    readiness = Readiness.DUE;
    look();
    assertThat(pagesB.away).isEmpty();
  }

  @Test
  void itsOwnAskComesFirst() {
    look();
    assertThat(ask(a, 500)).isInstanceOf(AskResult.MakingRoom.class);
    look();
    a.withdraw(0);
    readiness = Readiness.DUE;
    look();
    assertThat(pagesB.away).containsExactly(0);
  }

  @Test
  void whatIsOnItsWayIsNotAskedForAgain() {
    pagesA.demoted.put(0, 600L);
    readiness = Readiness.DUE;
    look();
    pagesB.park(0);
    look();
    assertThat(returns).isEqualTo(1);
    long creditBytes = a.creditBytes(0);
    assertThat(creditBytes).isGreaterThanOrEqualTo(1000);
    look();
    assertThat(a.creditBytes(0)).isEqualTo(creditBytes);
    assertThat(returns).isEqualTo(1);
  }

  @Test
  void whoLeavesWaitsForNothingAnyMore() {
    look();
    a.leave(0);
    pagesA.park(0);
    look();
    assertThat(ask(b, 1500)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whoLeavesAndWantsToRunAgainWaitsAsBefore() {
    look();
    a.leave(0);
    pagesA.park(0);
    assertThat(a.resume(0, true)).isInstanceOf(AskResult.MakingRoom.class);
    look();
    assertThat(ask(b, 1500)).as("behind a").isInstanceOf(AskResult.MakingRoom.class);
  }

  @Test
  void aLoanForWhichThereWillBeNoRoomIsRefusedAtOnceThoughARunningTenantWaits() {
    look();
    assertThat(pagesB.away).isEmpty();
    readiness = Readiness.LATER;
    assertThat(ask(b, 1450)).isInstanceOf(AskResult.Refused.class);
  }
}
