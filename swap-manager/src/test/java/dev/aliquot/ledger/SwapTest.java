package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three tenants on a device of 1600 that can hold 1600 each. */
class SwapTest {
  private final DeviceBook device = new DeviceBook("GPU-1", 1600);
  private final FakeSlots pagesA = new FakeSlots();
  private final FakeSlots pagesB = new FakeSlots();
  private final FakeSlots pagesC = new FakeSlots();
  private final TenantBook a = open("a", pagesA);
  private final TenantBook b = open("b", pagesB);
  private final TenantBook c = open("c", pagesC);
  private final List<Leaver> leavers = new ArrayList<>();
  private final List<String> arrivals = new ArrayList<>();

  private TenantBook open(String tenant, FakeSlots pages) {
    assertThat(device.admit(tenant, new Share(400, 1600))).isEqualTo(new Admission.Admitted());
    TenantBook book = device.open(tenant, pages);
    book.attach(0);
    return book;
  }

  @BeforeEach
  void policy() {
    device.swapPolicy(
        new SwapPolicy() {
          @Override
          public List<Leaver> leavers(String claimant) {
            return List.copyOf(leavers);
          }

          @Override
          public void arrived(String tenant) {
            arrivals.add(tenant);
          }
        });
  }

  private void may(String tenant, Readiness readiness) {
    leavers.removeIf(leaver -> leaver.tenant().equals(tenant));
    leavers.add(new Leaver(tenant, readiness));
  }

  private void read() {
    List<TenantBook> books = List.of(a, b, c);
    books.forEach(TenantBook::beginReading);
    books.forEach(book -> book.endReading(book.overheadBytes()));
  }

  private AskResult ask(TenantBook book, long wantedBytes) {
    AskResult result = book.ask(0, wantedBytes);
    while (result instanceof AskResult.AfterReading) {
      read();
      result = book.ask(0, wantedBytes);
    }
    return result;
  }

  private AskResult resume(TenantBook book) {
    return resume(book, true);
  }

  private AskResult resume(TenantBook book, boolean whole) {
    AskResult result = book.resume(0, whole);
    while (result instanceof AskResult.AfterReading) {
      read();
      result = book.resume(0, whole);
    }
    return result;
  }

  private void holds(TenantBook book, FakeSlots pages, long bytes) {
    assertThat(ask(book, bytes)).isInstanceOf(AskResult.Granted.class);
    pages.holdMovable(0, bytes);
  }

  /** A has 1500 of the device, and what it is asked for is a loan. */
  private void aHasAlmostAll() {
    holds(a, pagesA, 1500);
  }

  @Test
  void anIdleTenantLeavesAsAWholeBeforeABusyOneIsDemoted() {
    holds(a, pagesA, 800);
    holds(b, pagesB, 700);
    may("b", Readiness.IDLE);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.away).containsExactly(0);
    assertThat(pagesB.resident).containsEntry(0, 0L);
    assertThat(pagesA.resident).as("a is left alone").doesNotContainKey(0);
    pagesB.park(0);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.Granted.class);
    assertThat(b.isAway(0)).as("although nobody waits any more").isTrue();
  }

  @Test
  void aTenantThatUsesTheDeviceIsDemotedAndNotSwappedOutForAGuaranteedAsk() {
    aHasAlmostAll();
    may("a", Readiness.DUE);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).isEmpty();
    assertThat(pagesA.resident).containsEntry(0, 1200L);
  }

  @Test
  void nobodyLeavesForALoanBeforeItsTimeAndTheAskWaits() {
    aHasAlmostAll();
    assertThat(ask(b, 1000)).as("no policy").isInstanceOf(AskResult.Refused.class);
    may("a", Readiness.NOT_YET);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).isEmpty();
    may("a", Readiness.DUE);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
    pagesA.park(0);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void twoTenantsTakeTurns() {
    aHasAlmostAll();
    may("a", Readiness.DUE);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.MakingRoom.class);
    pagesA.park(0);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.Granted.class);
    pagesB.holdMovable(0, 1000);
    leavers.clear();
    may("b", Readiness.NOT_YET);
    assertThat(resume(a)).as("b has just come").isInstanceOf(AskResult.MakingRoom.class);
    may("b", Readiness.DUE);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.park(0);
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
    assertThat(a.isAway(0)).isFalse();
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(1500);
    assertThat(pagesA.demotedBytes(0)).isZero();
  }

  @Test
  void aTenantThatComesBackIsServedBeforeNewLoans() {
    holds(a, pagesA, 1200);
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 800);
    may("b", Readiness.NOT_YET);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(ask(c, 500)).as("behind a").isInstanceOf(AskResult.MakingRoom.class);
    pagesB.holdMovable(0, 300);
    assertThat(ask(c, 500)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whatIsWithinTheRequestComesBackWhateverTheOthersDo() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    assertThat(resume(a)).as("b may not be swapped out").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident).as("but has to give a its own").containsEntry(0, 1200L);
    pagesB.demote(0, 300);
    b.moved();
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(400);
    assertThat(pagesA.demotedBytes(0)).as("goes on over the bus").isEqualTo(1100);
  }

  @Test
  void aTenantOfWhichNothingFitsRunsWithItsDataInHostMemory() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    a.comeBack(0);
    assertThat(pagesA.away).isEmpty();
    pagesA.run(0);
    assertThat(pagesA.demotedBytes(0)).isEqualTo(1500);
  }

  @Test
  void aTenantThatCouldNotLeaveStaysAndOthersAreAsked() {
    holds(a, pagesA, 800);
    holds(b, pagesB, 700);
    may("b", Readiness.IDLE);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.MakingRoom.class);
    b.couldNotMove(0, pagesB.wake(0));
    assertThat(pagesB.away).isEmpty();
    assertThat(pagesB.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.resident).as("demoted instead").containsEntry(0, 500L);
  }

  @Test
  void aTenantThatDoesNothingAtAllIsNotWaitedForForEver() {
    holds(b, pagesB, 1500);
    may("b", Readiness.IDLE);
    assertThat(ask(c, 400)).isInstanceOf(AskResult.MakingRoom.class);
    for (long taken = 0; taken < 4; taken++) {
      pagesB.hosted.put(0, taken);
      device.checkDemands(2);
    }
    assertThat(pagesB.away).as("it takes chunks to move into").containsExactly(0);
    pagesB.hosted.put(0, 1L);
    device.checkDemands(2);
    pagesB.hosted.put(0, 3L);
    device.checkDemands(2);
    assertThat(pagesB.away).as("to and fro is no progress").isEmpty();
  }

  @Test
  void aTenantThatCameBackByItselfKeepsWhatItHolds() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    read();
    pagesA.parked.clear();
    read();
    assertThat(a.isAway(0)).isFalse();
    assertThat(pagesA.resident).containsEntry(0, SlotPort.RESIDENT_ALL);
  }

  @Test
  void theHostPoolHasToTakeAllOfATenant() {
    aHasAlmostAll();
    may("a", Readiness.IDLE);
    device.hostRoom(399);
    assertThat(ask(b, 1000))
        .as("its loan has a place, 400 more not")
        .isInstanceOf(AskResult.Refused.class);
    device.hostRoom(400);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.MakingRoom.class);
  }

  @Test
  void aTenantThatWasOutBeforeHasItsHostMemoryAlready() {
    aHasAlmostAll();
    may("a", Readiness.IDLE);
    device.lendable(0);
    device.hostRoom(0);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).as("the pool is full").isEmpty();
    b.withdraw(0);
    a.hostOwn(1500, 0);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
    pagesA.park(0);
    a.hostOwn(1500, 1500);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 500))
        .as("nothing is left that could back it")
        .isInstanceOf(AskResult.Refused.class);
    b.hostOwn(100, 100);
    assertThat(ask(b, 500)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whoHadToLeaveWaitsForItsTurnThoughItWantsToRunAtOnce() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    may("b", Readiness.DUE);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.park(0);
    may("b", Readiness.NOT_YET);
    assertThat(resume(b)).as("before a has got anything").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
    may("a", Readiness.NOT_YET);
    assertThat(resume(b))
        .as("before a has moved anything")
        .isInstanceOf(AskResult.MakingRoom.class);
    assertThat(a.creditBytes(0)).as("is not unused").isEqualTo(1500);
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(1500);
    a.returned(0);
    may("a", Readiness.DUE);
    assertThat(resume(b)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
  }

  @Test
  void whoComesBackWaitsForALongTurnForWhichNoAskWaits() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    may("b", Readiness.LATER);
    assertThat(ask(c, 1000)).as("a loan").isInstanceOf(AskResult.Refused.class);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.away).isEmpty();
    assertThat(pagesB.resident).as("nothing is demanded of it").doesNotContainKey(0);
    may("b", Readiness.DUE);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.away).containsExactly(0);
  }

  @Test
  void whatIsGivenBackInTheMiddleOfAnAskDoesNotLookLost() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    may("b", Readiness.IDLE);
    pagesB.movedAtEachLook = 97;
    AskResult result = resume(a);
    for (int i = 0; i < 1000 && !(result instanceof AskResult.Granted); i++) {
      assertThat(result).isInstanceOf(AskResult.MakingRoom.class);
      result = resume(a);
    }
    assertThat(result).isEqualTo(new AskResult.Granted(1500));
  }

  @Test
  void creditOfAProcessThatCouldNotUseItForItsReturnIsUnusedAgain() {
    holds(a, pagesA, 1500);
    a.leave(0);
    pagesA.park(0);
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 500)).as("a's data is on its way").isInstanceOf(AskResult.Refused.class);
    a.returned(0);
    assertThat(ask(b, 500)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void dataThatIsOnItsWayBackIsCountedOnceWhereItsProcessAsksForMore() {
    holds(a, pagesA, 800);
    a.leave(0);
    pagesA.park(0);
    assertThat(resume(a)).isEqualTo(new AskResult.Granted(800));
    pagesA.used.put(0, 800L); // there is device memory for it, and nothing is in that yet
    assertThat(ask(a, 1600)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void dataThatIsOnItsWayBackIsNotGivenCreditOnceMore() {
    b.detach(0);
    c.detach(0);
    holds(a, pagesA, 800);
    a.leave(0);
    pagesA.park(0);
    assertThat(resume(a)).isEqualTo(new AskResult.Granted(800));
    pagesA.parked.remove(0);
    read();
    assertThat(device.promote()).as("it looks again").isOne();
    assertThat(pagesA.credit).containsEntry(0, 800L);
    pagesA.demote(0, -300); // so much is back
    assertThat(device.promote()).isOne();
    assertThat(pagesA.credit).containsEntry(0, 800L);
    a.returned(0); // and the rest could not come
    assertThat(device.promote()).isOne();
    assertThat(pagesA.credit).containsEntry(0, 800L);
  }

  @Test
  void whoTakesTheRoomOfItsDataForSomethingNewHasMoreInHostMemoryAndNotOnTheDevice() {
    holds(a, pagesA, 800);
    a.leave(0);
    pagesA.park(0);
    assertThat(resume(a)).isEqualTo(new AskResult.Granted(800));
    pagesA.parked.remove(0);
    assertThat(ask(a, 1600)).isInstanceOf(AskResult.Granted.class);
    pagesA.holdMovable(0, 1600); // within its credit, and none of it is what was away
    a.returned(0);
    assertThat(pagesA.credit).as("the limit").containsEntry(0, 1600L);
    a.leave(0);
    pagesA.park(0);
    assertThat(pagesA.demotedBytes(0)).as("800 more than the limit").isEqualTo(2400);
    assertThat(resume(a)).as("what is within the request").isEqualTo(new AskResult.Granted(400));
    pagesA.run(0);
    assertThat(ask(a, 401)).as("2000 are in host memory").isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void dataThatDoesNotComeBackIsCountedBesideDataThatDoes() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.demote(0, 300);
    b.moved();
    assertThat(resume(a)).isEqualTo(new AskResult.Granted(400));
    pagesA.run(0);
    assertThat(pagesA.demotedBytes(0)).isEqualTo(1100);
    pagesB.used.clear();
    b.detach(0);
    read();
    assertThat(ask(a, 501)).as("the limit is 1600").isInstanceOf(AskResult.Refused.class);
    assertThat(ask(a, 500)).isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void aClaimTakesCreditThatIsForTheReturnOfALoan() {
    holds(a, pagesA, 1500);
    a.leave(0);
    pagesA.park(0);
    assertThat(resume(a)).isInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(ask(b, 400)).as("nothing had to be moved").isInstanceOf(AskResult.Granted.class);
  }

  @Test
  void whatNobodyCouldMakeRoomForIsRefusedAtOnceAndNobodyLeavesForIt() {
    holds(a, pagesA, 700);
    holds(b, pagesB, 700);
    may("a", Readiness.DUE);
    assertThat(ask(c, 1000)).as("b stays").isInstanceOf(AskResult.Refused.class);
    assertThat(pagesA.away).isEmpty();
    may("b", Readiness.NOT_YET);
    assertThat(ask(c, 1000)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
  }

  @Test
  void aTenantThatUsesTheDeviceWithinItsRequestDoesNotLeaveForALoan() {
    holds(a, pagesA, 400);
    holds(b, pagesB, 1100);
    may("a", Readiness.DUE);
    assertThat(ask(b, 1300)).isInstanceOf(AskResult.Refused.class);
    may("a", Readiness.IDLE);
    assertThat(ask(b, 1300)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
  }

  @Test
  void whoWaitsIsNotIdleAndDoesNotLeaveForWhoCameLater() {
    holds(a, pagesA, 700);
    holds(b, pagesB, 800);
    may("a", Readiness.IDLE);
    may("b", Readiness.NOT_YET);
    assertThat(ask(a, 1200)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(ask(b, 1200)).as("behind a").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).isEmpty();
    assertThat(ask(c, 400)).as("guaranteed").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).as("a uses the device").isEmpty();
  }

  @Test
  void whoOwesWhatAnotherWaitsForDoesNotWaitBehindAThird() {
    holds(a, pagesA, 900);
    holds(c, pagesC, 600);
    may("c", Readiness.NOT_YET);
    assertThat(ask(b, 600))
        .as("waits for c's turn to end")
        .isInstanceOf(AskResult.MakingRoom.class);
    b.attach(1);
    b.ask(1, 400);
    read();
    assertThat(b.ask(1, 400)).as("guaranteed").isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.resident).as("a is to give back").containsKey(0);
    assertThat(ask(a, 1000)).isInstanceOf(AskResult.Refused.class);
  }

  @Test
  void whoGetsWhatItWaitedForHasTheDeviceFromThenOn() {
    holds(a, pagesA, 1500);
    may("a", Readiness.DUE);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(arrivals).isEmpty();
    pagesA.park(0);
    assertThat(ask(b, 1000)).isInstanceOf(AskResult.Granted.class);
    assertThat(arrivals).containsExactly("b");
  }

  @Test
  void whatIsGuaranteedIsDemandedOnceHoweverOftenItIsAskedFor() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    for (int i = 0; i < 5; i++) {
      assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    }
    assertThat(device.demands()).isEqualTo(1);
    assertThat(pagesB.resident).containsEntry(0, 1200L);
  }

  @Test
  void whoWaitedLongEnoughForTheWholeClaimsWhatIsWithinTheRequest() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    may("b", Readiness.NOT_YET);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident).as("as a whole, in its turn").doesNotContainKey(0);
    assertThat(resume(a, false)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident).containsEntry(0, 1200L);
    pagesB.demote(0, 300);
    assertThat(resume(a, false)).isInstanceOf(AskResult.Granted.class);
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(400);
  }

  @Test
  void whoWaitedLongEnoughForTheWholeWaitsOnWhereOthersAreLeavingForIt() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    may("b", Readiness.IDLE);
    assertThat(resume(a)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(resume(a, false)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.park(0);
    assertThat(resume(a, false)).isEqualTo(new AskResult.Granted(1500));
  }

  @Test
  void whatIsWithinTheRequestComesBackAlsoToAProcessThatRunsAlready() {
    aHasAlmostAll();
    a.leave(0);
    pagesA.park(0);
    holds(b, pagesB, 1500);
    a.comeBack(0);
    pagesA.parked.clear();
    device.reclaim();
    read();
    device.reclaim();
    assertThat(pagesB.resident).as("lent to b").containsEntry(0, 1200L);
    assertThat(a.ask(0, a.creditBytes(0))).isInstanceOf(AskResult.Granted.class);
    a.withdraw(0);
    assertThat(pagesB.resident).as("an ask within credit ends nothing").containsEntry(0, 1200L);
    device.reclaim();
    assertThat(device.demands()).isEqualTo(1);
    pagesB.demote(0, 300);
    device.reclaim();
    read();
    device.reclaim();
    assertThat(a.creditBytes(0)).isEqualTo(400);
    assertThat(device.isMakingRoom()).isFalse();
    pagesA.run(0);
    assertThat(pagesA.usedBytes(0)).isEqualTo(400);
    device.reclaim();
    assertThat(device.demands()).as("the rest is a loan").isEqualTo(1);
  }

  @Test
  void aSecondAgentFindsWhoIsAwayAndWhoCameBackMeanwhile() {
    for (boolean parked : new boolean[] {true, false}) {
      DeviceBook later = new DeviceBook("GPU-1", 1600);
      FakeSlots pages = new FakeSlots();
      later.restore("a", new Share(400, 1600));
      TenantBook book = later.open("a", pages);
      pages.away.add(0);
      pages.demoted.put(0, 900L);
      if (parked) {
        pages.parked.add(0);
      }
      book.restore(0, 50, 50, true, true);
      assertThat(book.isAway(0)).isEqualTo(parked);
      book.beginReading();
      book.endReading(0);
      assertThat(book.resume(0, true)).isInstanceOf(AskResult.Granted.class);
      assertThat(pages.away).isEmpty();
    }
  }
}
