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

  private TenantBook open(String tenant, FakeSlots pages) {
    assertThat(device.admit(tenant, new Share(400, 1600))).isEqualTo(new Admission.Admitted());
    TenantBook book = device.open(tenant, pages);
    book.attach(0);
    return book;
  }

  @BeforeEach
  void policy() {
    device.swapPolicy(claimant -> List.copyOf(leavers));
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
    AskResult result = book.resume(0);
    while (result instanceof AskResult.AfterReading) {
      read();
      result = book.resume(0);
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
    assertThat(device.swaps()).isEqualTo(1);
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
    a.hostIdle(1500);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).containsExactly(0);
    pagesA.park(0);
    a.hostIdle(0);
    assertThat(ask(b, 400)).isInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 500))
        .as("nothing is left that could back it")
        .isInstanceOf(AskResult.Refused.class);
    b.hostIdle(100);
    assertThat(ask(b, 500)).isInstanceOf(AskResult.Granted.class);
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
      assertThat(book.resume(0)).isInstanceOf(AskResult.Granted.class);
      assertThat(pages.away).isEmpty();
    }
  }
}
