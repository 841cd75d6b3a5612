package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Contexts that leave a device of 1600: A, with a request of 400, had 100 of them and 200 of data.
 */
class DeepTest extends LendingFixture {
  private static final long CONTEXT = 100;

  @BeforeEach
  void aIsDeep() {
    a.overhead(CONTEXT);
    aHolds(200);
    assertThat(a.leave(0)).isTrue();
    pagesA.park(0);
    a.moved();
    a.deep().sink(0, CONTEXT, CONTEXT);
    read(0);
  }

  private void read(long overheadOfA) {
    a.beginReading();
    b.beginReading();
    a.endReading(overheadOfA);
    b.endReading(0);
  }

  private AskResult resume(boolean whole) {
    AskResult result = a.resume(0, whole);
    while (result instanceof AskResult.AfterReading) {
      read(0);
      result = a.resume(0, whole);
    }
    return result;
  }

  private void bHolds(long bytes) {
    assertThat(ask(b, bytes)).isInstanceOf(AskResult.Granted.class);
    pagesB.holdMovable(0, bytes);
  }

  @Test
  void othersCanHaveAllThatItLeaves() {
    bHolds(1600);
    assertThat(a.deep().missingContextBytes(0)).isEqualTo(CONTEXT);
  }

  @Test
  void roomForContextsIsKeptBeforeItMayRun() {
    assertThat(resume(true)).isEqualTo(new AskResult.Granted(200));
    assertThat(pagesA.away).isEmpty();
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
    assertThat(a.overheadBytes()).as("as if they were there").isEqualTo(CONTEXT);
    assertThat(pagesA.credit).containsEntry(0, 200L);
    assertThat(ask(b, 1600 - 300)).isInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 1600 - 299)).isNotInstanceOf(AskResult.Granted.class);
    a.deep().surfaced(0, CONTEXT);
    assertThat(a.deep().reservedContextBytes(0)).isZero();
    assertThat(a.overheadBytes()).isEqualTo(CONTEXT);
  }

  @Test
  void whatIsWithinTheRequestIsClaimedWithTheContexts() {
    bHolds(1600);
    assertThat(resume(true)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesB.resident.get(0)).as("a loan is demanded").isLessThanOrEqualTo(1300L);
    assertThat(pagesA.away).containsExactly(0);
    pagesB.demote(0, 300);
    b.moved();
    assertThat(resume(true)).isEqualTo(new AskResult.Granted(200));
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
  }

  @Test
  void whoFindsNoRoomInTimeStaysAwayAndKeepsNothing() {
    bHolds(1600);
    assertThat(resume(true)).isInstanceOf(AskResult.MakingRoom.class);
    a.comeBack(0);
    assertThat(pagesA.away).as("the driver would lose it").containsExactly(0);
    assertThat(a.deep().reservedContextBytes(0)).isZero();
    assertThat(a.deep().missingContextBytes(0)).isEqualTo(CONTEXT);
    assertThat(pagesB.resident.get(0)).as("nothing is demanded any more").isEqualTo(-1);
  }

  @Test
  void whoHasRoomForItsContextsRunsWithWhatThereIsOfItsData() {
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.comeBack(0);
    assertThat(pagesA.away).isEmpty();
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
  }

  @Test
  void whatIsKeptIsFreeWhenTheyDoNotComeBackAfterAll() {
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.deep().sinkAgain(0);
    assertThat(a.deep().reservedContextBytes(0)).isZero();
    assertThat(a.deep().missingContextBytes(0)).isEqualTo(CONTEXT);
    assertThat(pagesA.away).as("as before").containsExactly(0);
    assertThat(pagesA.credit).containsEntry(0, 0L);
    read(0);
    assertThat(a.coveredBytes(0)).isZero();
    assertThat(resume(true)).as("once more").isInstanceOf(AskResult.Granted.class);
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
  }

  @Test
  void othersCanHaveWhatWasGrantedToOneThatDoesNotComeBackAfterAll() {
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.deep().sinkAgain(0);
    read(0);
    bHolds(1600);
  }

  @Test
  void whatItHeldBesidesItsContextsStaysItsWhateverItSays() {
    a.deep().surfaced(0, CONTEXT);
    pagesA.used.put(0, 50L);
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.leave(0);
    a.moved();
    a.deep().sink(0, CONTEXT - 20, CONTEXT + 50);
    assertThat(a.deep().missingContextBytes(0))
        .as("all that it does not report")
        .isEqualTo(CONTEXT);
    pagesA.used.put(0, 0L);
    read(0);
    read(0);
    assertThat(a.coveredBytes(0)).isEqualTo(50);
    assertThat(ask(b, 1551)).isNotInstanceOf(AskResult.Granted.class);
    assertThat(ask(b, 1550)).isInstanceOf(AskResult.Granted.class);
    a.deep().surfaced(0, CONTEXT);
    a.moved();
    assertThat(a.coveredBytes(0)).as("it may let go of it when it is back").isZero();
  }

  /** Plain memory of 250 beside the contexts, all of it off the device; B has what is left. */
  private void aIsDeepWithPlainMemory() {
    a.deep().surfaced(0, CONTEXT);
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.deep().surfaced(0, CONTEXT);
    pagesA.parked.remove(0);
    pagesA.demoted.put(0, 0L);
    pagesA.used.put(0, 250L);
    assertThat(a.ask(0, 250)).isInstanceOf(AskResult.Granted.class);
    assertThat(a.leave(0)).as("nothing of it moves").isFalse();
    assertThat(a.leaveWhole(0)).isTrue();
    pagesA.parked.add(0);
    a.moved();
    a.deep().sink(0, CONTEXT, CONTEXT + 250);
    a.deep().sunk(0);
    assertThat(ask(b, 1600)).as("it may be there still").isNotInstanceOf(AskResult.Granted.class);
    b.withdraw(0);
    read(0);
  }

  @Test
  void othersCanHaveThePlainMemoryThatLeftWithTheContexts() {
    aIsDeepWithPlainMemory();
    assertThat(a.coveredBytes(0)).isZero();
    assertThat(a.deep().missingBytes(0)).isEqualTo(CONTEXT + 250);
    bHolds(1600);
    assertThat(pagesA.covered).as("for the next agent").containsEntry(0, 250L);
  }

  @Test
  void plainMemoryIsClaimedBeforeItsProcessIsRestored() {
    aIsDeepWithPlainMemory();
    bHolds(1600);
    assertThat(resume(true)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.demote(0, 340);
    b.moved();
    assertThat(resume(true)).as("10 are missing").isInstanceOf(AskResult.MakingRoom.class);
    pagesB.demote(0, 10);
    b.moved();
    assertThat(resume(true)).isEqualTo(new AskResult.Granted(250));
    assertThat(a.deep().missingBytes(0)).isZero();
    assertThat(a.coveredBytes(0)).isEqualTo(250);
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
    pagesA.used.put(0, 0L);
    a.moved();
    assertThat(a.coveredBytes(0)).as("whatever it says").isEqualTo(250);
    a.deep().surfaced(0, CONTEXT);
    assertThat(a.deep().isSinking(0)).isFalse();
  }

  @Test
  void plainMemoryThatFoundNoRoomKeepsNothing() {
    aIsDeepWithPlainMemory();
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.deep().sinkAgain(0);
    read(0);
    assertThat(a.coveredBytes(0)).isZero();
    assertThat(a.deep().missingBytes(0)).isEqualTo(CONTEXT + 250);
    bHolds(1600);
    assertThat(resume(true)).isInstanceOf(AskResult.MakingRoom.class);
    a.comeBack(0);
    assertThat(a.coveredBytes(0)).isZero();
    assertThat(pagesA.away).containsExactly(0);
  }

  @Test
  void ofWhomNothingIsKnownNeedsRoomForWhatItSays() {
    a.deep().surfaced(0, 0);
    pagesA.used.put(0, 250L);
    a.deep().adoptSunk(0, CONTEXT);
    a.deep().sunk(0);
    assertThat(a.deep().missingBytes(0)).isEqualTo(CONTEXT + 250);
    pagesA.used.put(0, -1L);
    a.deep().adoptSunk(0, CONTEXT);
    a.deep().sunk(0);
    assertThat(a.deep().missingBytes(0)).as("nonsense").isEqualTo(CONTEXT);
  }

  @Test
  void ofWhomNothingIsKnownNeedsNoRoomForWhatItWasGrantedAhead() {
    a.detach(0);
    pagesA.demoted.remove(0);
    device.resize("a", Share.fixed(400));
    a.attach(0);
    read(0);
    read(0);
    assertThat(a.coveredBytes(0)).isEqualTo(400);
    pagesA.used.put(0, 250L);
    a.deep().adoptSunk(0, CONTEXT);
    a.deep().sunk(0);
    read(0);
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    assertThat(a.deep().missingBytes(0)).isZero();
  }

  @Test
  void whoAsksForMoreWhileItIsOffComesBackFirst() {
    aIsDeepWithPlainMemory();
    assertThat(refusal(a.ask(0, 300)).cause()).isEqualTo(AskResult.Cause.AWAY);
  }

  @Test
  void ofTheLimitThePlaceOfPlainMemoryIsKept() {
    aIsDeepWithPlainMemory();
    a.attach(1);
    assertThat(refusal(a.ask(1, 1251)).cause()).isEqualTo(AskResult.Cause.LIMIT);
    assertThat(a.ask(1, 1250)).isNotInstanceOf(AskResult.Refused.class);
  }

  @Test
  void whoDoesNotLeaveThoughItWasToldStaysAfterAWhile() {
    a.deep().surfaced(0, CONTEXT);
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    pagesA.parked.remove(0);
    assertThat(a.leaveWhole(0)).isTrue();
    device.checkDemands(2);
    assertThat(pagesA.away).containsExactly(0);
    device.checkDemands(2);
    device.checkDemands(2);
    assertThat(pagesA.away).isEmpty();
  }

  @Test
  void noShareIsSmallerThanWhatIsOffTheDeviceNeedsToComeBack() {
    aIsDeepWithPlainMemory();
    assertThat(device.resize("a", new Share(349, 1600))).isInstanceOf(Admission.Refused.class);
    assertThat(device.resize("a", Share.fixed(349))).isInstanceOf(Admission.Refused.class);
    assertThat(a.share()).isEqualTo(new Share(400, 1600));
    assertThat(device.resize("a", Share.fixed(350))).isEqualTo(new Admission.Admitted());
    bHolds(1600);
    assertThat(resume(true)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.demote(0, 350);
    b.moved();
    assertThat(resume(true)).isEqualTo(new AskResult.Granted(250));
    a.deep().surfaced(0, CONTEXT);
    assertThat(device.resize("a", Share.fixed(10))).as("back").isEqualTo(new Admission.Admitted());
  }

  @Test
  void ofADeepTenantsRequestNothingIsPromisedToOthersButWhatItDoesNotNeed() {
    aIsDeepWithPlainMemory();
    assertThat(device.freeBytes()).isEqualTo(400);
    assertThat(device.resize("a", new Share(350, 1600))).isEqualTo(new Admission.Admitted());
    assertThat(device.freeBytes()).isEqualTo(450);
  }

  @Test
  void whoHoldsMoreThanItCouldComeBackToDoesNotGoDeep() {
    aIsDeepWithPlainMemory();
    assertThat(resume(true)).isEqualTo(new AskResult.Granted(250));
    a.deep().surfaced(0, CONTEXT);
    assertThat(a.leaveWhole(0)).isTrue();
    a.moved();
    assertThat(a.deep().couldComeBack(0)).isTrue();
    assertThat(device.resize("a", new Share(349, 1600))).isEqualTo(new Admission.Admitted());
    assertThat(a.deep().couldComeBack(0)).as("a loan of what does not move").isFalse();
    assertThat(device.resize("a", Share.fixed(300))).isEqualTo(new Admission.Admitted());
    assertThat(a.deep().couldComeBack(0)).isFalse();
    pagesA.used.put(0, 0L);
    a.moved();
    assertThat(a.deep().couldComeBack(0)).as("contexts alone").isTrue();
    assertThat(device.resize("a", Share.fixed(99))).isEqualTo(new Admission.Admitted());
    assertThat(a.deep().couldComeBack(0)).as("beyond the limit").isFalse();
  }

  @Test
  void anEndedTenantsContextsNeedRoomToo() {
    bHolds(1600);
    a.close();
    assertThat(resume(false)).isInstanceOf(AskResult.MakingRoom.class);
    pagesB.demote(0, 300);
    b.moved();
    assertThat(resume(false)).isInstanceOf(AskResult.Granted.class);
    assertThat(a.deep().reservedContextBytes(0)).isEqualTo(CONTEXT);
  }

  @Test
  void ofTheLimitTheirPlaceIsKept() {
    a.attach(1);
    assertThat(refusal(a.ask(1, 1301)).cause()).isEqualTo(AskResult.Cause.LIMIT);
    assertThat(a.ask(1, 1300)).isNotInstanceOf(AskResult.Refused.class);
  }

  @Test
  void aProcessThatEndsLeavesNothingKept() {
    assertThat(resume(true)).isInstanceOf(AskResult.Granted.class);
    a.detach(0);
    assertThat(a.overheadBytes()).isZero();
    read(0);
    bHolds(1600);
  }
}
