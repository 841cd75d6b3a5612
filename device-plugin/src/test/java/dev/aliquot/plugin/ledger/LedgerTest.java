package dev.aliquot.plugin.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.pod.ListedContainer;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.unit.GrantKey;
import dev.aliquot.plugin.unit.UnitId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class LedgerTest {
  private static final Holders NOBODY = new Holders(List.of(), List.of());
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final List<NodeDevice> devices = FakeNode.devices(2, OptionalInt.empty());
  private final Ledger ledger =
      new Ledger("aliquot.dev/gpu-fraction", Placement.PACK, LedgerRules.DEFAULT);

  @Test
  void idsOfSeveralDevicesBecomeAPartOfOne() throws Exception {
    SortedSet<String> mixed = ids(0, 0, 30);
    mixed.addAll(ids(1, 0, 30));

    Grant grant = ledger.allocate(mixed, devices, 1);

    assertThat(grant.devices()).hasSize(1);
    assertThat(grant.unitsPerDevice()).isEqualTo(60);
  }

  @Test
  void wholeDevicesOutOfMixedIdsAreWholeDevices() throws Exception {
    ledger.allocate(ids(0, 0, 10), devices, 1);
    SortedSet<String> mixed = ids(0, 10, 90);
    mixed.addAll(ids(1, 0, 10));

    assertThat(ledger.allocate(mixed, devices, 2).devices()).containsExactly(uuid(1));
  }

  @Test
  void whatFindsNoRoomIsGrantedAllTheSameAndWaitsAtItsStart() throws Exception {
    start("a", ledger.allocate(ids(0, 0, 70), devices, 1));
    start("b", ledger.allocate(ids(1, 0, 70), devices, 2));
    SortedSet<String> mixed = ids(0, 70, 30);
    mixed.addAll(ids(1, 70, 10));

    Grant grant = ledger.allocate(mixed, devices, 3);

    assertThatThrownBy(() -> start("c", grant))
        .isInstanceOf(NotYet.class)
        .hasMessageContaining("has 30 of 100 units free and 40 are needed");
  }

  @Test
  void thoseThatWaitAreStartedInTheOrderInWhichTheyCame() throws Exception {
    Grant ending = ledger.allocate(ids(0, 0, 60), devices, 1);
    start("a", ending);
    start("b", ledger.allocate(ids(1, 0, 60), devices, 2));
    SortedSet<String> mixed = ids(0, 60, 30);
    mixed.addAll(ids(1, 60, 15));
    Grant early = ledger.allocate(mixed, devices, 3);
    reconcile(NOBODY, 10 * SECOND);
    reconcile(listed("b", ids(1, 0, 60)), 11 * SECOND);
    assertThat(ledger.usedByStarted(uuid(0))).isZero();
    Grant late = ledger.allocate(ending.ids(), devices, 12 * SECOND);
    assertThat(early.devices()).isEqualTo(late.devices());

    assertThatThrownBy(() -> start("late", late)).isInstanceOf(NotYet.class);
    start("early", early);
    assertThatThrownBy(() -> start("late", late)).isInstanceOf(NotYet.class);
  }

  @Test
  void whatCanNeverWorkIsRefused() {
    assertThatThrownBy(() -> ledger.allocate(ids(0, 0, 0), devices, 1))
        .isInstanceOf(NeverException.class);
    SortedSet<String> some = ids(0, 0, 100);
    some.addAll(ids(1, 0, 50));
    assertThatThrownBy(() -> ledger.allocate(some, devices, 1))
        .isInstanceOf(NeverException.class)
        .hasMessageContaining("150 is neither a part of one device nor a number of whole devices");
    SortedSet<String> three = ids(0, 0, 100);
    three.addAll(ids(1, 0, 100));
    three.addAll(ids(2, 0, 100));
    assertThatThrownBy(() -> ledger.allocate(three, devices, 1))
        .isInstanceOf(NeverException.class)
        .hasMessageContaining("300 is 3 devices, and this node has 2");
    assertThatThrownBy(() -> ledger.allocate(Set.of("nvidia0"), devices, 1))
        .isInstanceOf(NeverException.class)
        .hasMessageContaining("\"nvidia0\" is no id of this plugin");
    assertThat(ledger.grants()).isEmpty();
  }

  @Test
  void idsOfADeviceThatWentAwayAreGivenOneThatIsThere() throws Exception {
    assertThat(ledger.allocate(ids(7, 0, 50), devices, 1).devices()).containsExactly(uuid(0));
  }

  @Test
  void aPodThatVanishesBeforeItsStartIsForgottenAfterAWhile() throws Exception {
    ledger.allocate(ids(0, 0, 50), devices, SECOND);

    reconcile(NOBODY, 2 * SECOND);
    reconcile(NOBODY, 3 * SECOND);
    assertThat(ledger.used(uuid(0))).isEqualTo(50);
    reconcile(NOBODY, 40 * SECOND);
    reconcile(NOBODY, 41 * SECOND);
    assertThat(ledger.used(uuid(0))).isZero();
  }

  @Test
  void oneListWithoutThePodFreesNothing() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    Holders pod = start("a", grant);

    reconcile(NOBODY, 40 * SECOND);
    reconcile(pod, 41 * SECOND);
    reconcile(NOBODY, 42 * SECOND);
    assertThat(ledger.grants()).hasSize(1);
    assertThat(reconcile(NOBODY, 43 * SECOND).released()).containsExactly(grant.key());
    assertThat(ledger.grants()).isEmpty();
  }

  /** As where the kubelet is started twice, and has not read its checkpoint yet. */
  @Test
  void aPodThatWasListedWithItsIdsSinceIsNotIdleForAsLongAsItWasWithoutThemBefore()
      throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    Holders pod = start("a", grant);
    Holders without = listed("a", new TreeSet<>());

    reconcile(without, 40 * SECOND);
    reconcile(pod, 41 * SECOND);
    for (int second = 200; second < 260; second++) {
      assertThat(reconcile(without, second * SECOND).released()).isEmpty();
    }
    reconcile(without, 260 * SECOND);
    assertThat(reconcile(without, 261 * SECOND).released()).containsExactly(grant.key());
  }

  @Test
  void whatWasAskedBeforeAStartSaysNothingOfIt() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    ledger.start(grant.ids(), listed("a", grant.ids()), devices, 100 * SECOND);
    for (int i = 0; i < 5; i++) {
      assertThat(reconcile(NOBODY, 99 * SECOND).released()).isEmpty();
    }
    assertThat(ledger.usedByStarted(uuid(0))).isEqualTo(50);
  }

  @Test
  void aKubeletThatListsNobodyEndsNoPodThatRuns() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    ledger.start(grant.ids(), named("a", "uid-a", grant.ids()), devices, 5 * SECOND);
    assertThat(ledger.misses(NOBODY)).isTrue();
    for (int i = 0; i < 200; i++) {
      assertThat(
              ledger
                  .reconcile(NOBODY, Set.of(), Set.of("uid-a"), devices, (40 + i) * SECOND)
                  .released())
          .isEmpty();
    }
    assertThat(ledger.isBound(grant.key())).isTrue();
    reconcile(NOBODY, 300 * SECOND);
    assertThat(reconcile(NOBODY, 301 * SECOND).released()).containsExactly(grant.key());
  }

  @Test
  void idsOfAPodOnABrokenDeviceThatAreAllocatedAgainAreOnAnother() throws Exception {
    Grant first = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    start("a", first);
    List<NodeDevice> broken = new ArrayList<>(devices);
    NodeDevice zero = broken.getFirst();
    broken.set(0, new NodeDevice(0, zero.uuid(), false, "it fell off the bus", zero.numaNode()));
    Grant again = ledger.allocate(first.ids(), broken, 6 * SECOND);
    assertThat(first.devices()).containsExactly(uuid(0));
    assertThat(again.devices()).isNotEmpty().doesNotContain(uuid(0));
  }

  @Test
  void whatEndedAMomentAgoIsRoomForWhatIsAllocatedNext() throws Exception {
    Grant ended = ledger.allocate(ids(0, 0, 60), devices, SECOND);
    start("ended", ended);
    for (int device = 1; device < devices.size(); device++) {
      start("other" + device, ledger.allocate(ids(device, 0, 60), devices, SECOND));
    }
    Set<String> over = ledger.offered(ended.ids());
    assertThat(over).containsExactly(ended.key());
    assertThat(ledger.offered(ids(0, 0, 59))).isEmpty();
    SortedSet<String> next = new TreeSet<>(ledger.prefer(over, ended.ids(), Set.of(), 50, devices));
    assertThat(ledger.allocate(next, devices, 6 * SECOND).devices()).containsExactly(uuid(0));
  }

  @Test
  void whatIsAboutToEndIsShownUntilItHasEndedAndMakesRoomForOneAllocationOnly() throws Exception {
    Grant ending = ledger.allocate(ids(0, 0, 60), devices, SECOND);
    Holders kubelet = start("ending", ending);
    start("other", ledger.allocate(ids(1, 0, 30), devices, SECOND));
    SortedSet<String> free = ids(0, 0, 100);
    free.addAll(ids(1, 50, 50));

    ledger.prefer(ledger.offered(free), free, Set.of(), 45, devices);
    assertThat(ledger.used(uuid(0))).isEqualTo(60);

    assertThat(ledger.allocate(ids(0, 60, 40), devices, 6 * SECOND).devices())
        .containsExactly(uuid(0));
    assertThat(ledger.used(uuid(0))).isEqualTo(100);
    SortedSet<String> mixed = ids(0, 0, 10);
    mixed.addAll(ids(1, 50, 35));
    assertThat(ledger.allocate(mixed, devices, 7 * SECOND).devices()).containsExactly(uuid(1));

    reconcile(kubelet, 8 * SECOND);
    reconcile(kubelet, 9 * SECOND);
    assertThat(ledger.keys()).as("the kubelet was wrong").contains(ending.key());
    assertThat(ledger.used(uuid(0))).isEqualTo(100);
  }

  @Test
  void aTenantWithProcessesKeepsItsUnitsUntilTheyAreGone() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 50), devices, SECOND);
    start("a", grant);
    Set<String> used = Set.of(grant.key());
    ledger.reconcile(NOBODY, used, Set.of(), devices, 40 * SECOND);

    assertThat(ledger.reconcile(NOBODY, used, Set.of(), devices, 41 * SECOND).released())
        .containsExactly(grant.key());
    assertThat(ledger.reconcile(NOBODY, used, Set.of(), devices, 42 * SECOND).released()).isEmpty();
    assertThat(ledger.used(uuid(0))).isEqualTo(50);
    reconcile(NOBODY, 43 * SECOND);
    assertThat(ledger.used(uuid(0))).isZero();
  }

  @Test
  void whoHasLostEverythingLearnsGrantsFromTheKubelet() throws Exception {
    SortedSet<String> mixed = ids(0, 0, 30);
    mixed.addAll(ids(1, 0, 30));
    Holders kubelet =
        new Holders(
            List.of(new ListedContainer("default", "a", "main", mixed)),
            List.of(new CheckpointEntry("uid-a", "main", mixed, List.of(uuid(1)))));

    assertThat(reconcile(kubelet, SECOND).adopted()).isEqualTo(1);

    assertThat(ledger.used(uuid(1))).as("where it was told that it is").isEqualTo(60);
    assertThat(reconcile(kubelet, 2 * SECOND).adopted()).isZero();
  }

  @Test
  void aStartThatTheNodeRefusedLeavesTheUnitsToOthers() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 100), devices, 1);
    Start start = ledger.start(grant.ids(), listed("a", grant.ids()), devices, 2);
    assertThat(ledger.usedByStarted(uuid(0))).isEqualTo(100);

    ledger.takeBack(start, 3);

    assertThat(ledger.usedByStarted(uuid(0))).isZero();
    assertThat(ledger.used(uuid(0))).isEqualTo(100);
  }

  @Test
  void aStartInVainLeavesTheUnitsToProcessesThatOutliveTheirPod() throws Exception {
    SortedSet<String> ids = ids(0, 0, 60);
    Grant grant = ledger.allocate(ids, devices, SECOND);
    ledger.start(ids, named("old", "uid-1", ids), devices, 5 * SECOND);
    for (int i = 40; i < 42; i++) {
      ledger.reconcile(NOBODY, Set.of(grant.key()), Set.of(), devices, i * SECOND);
    }
    assertThat(ledger.isBound(grant.key())).as("its container is gone").isFalse();

    Start start = ledger.start(ids, named("new", "uid-2", ids), devices, 43 * SECOND);
    assertThat(ledger.isBound(grant.key())).isTrue();
    ledger.takeBack(start, 44 * SECOND);

    assertThat(ledger.usedByStarted(uuid(0))).isEqualTo(60);
    assertThat(ledger.isBound(grant.key())).as("its container is gone").isFalse();
  }

  @Test
  void anInitContainersStartInVainIsRememberedAsTheOneBeforeIt() throws Exception {
    SortedSet<String> init = ids(0, 0, 30);
    Holders kubelet = listed("a", ids(0, 0, 20));
    ledger.allocate(init, devices, SECOND);
    ledger.allocate(ids(0, 0, 20), devices, SECOND);
    ledger.start(init, kubelet, devices, 2 * SECOND);
    ledger.start(ids(0, 0, 20), kubelet, devices, 3 * SECOND);

    // Its sandbox is made anew; no checkpoint tells of it.
    ledger.takeBack(ledger.start(init, kubelet, devices, 100 * SECOND), 101 * SECOND);

    assertThat(ledger.used(uuid(0))).isEqualTo(20);
    reconcile(kubelet, 102 * SECOND);
    reconcile(kubelet, 103 * SECOND);
    assertThat(ledger.keys()).contains(GrantKey.of(init));
  }

  @Test
  void idsThatAreAllocatedDuringAStartInVainWaitForTheirNewContainer() throws Exception {
    SortedSet<String> init = ids(0, 0, 30);
    Holders kubelet = listed("a", ids(0, 0, 20));
    ledger.allocate(init, devices, SECOND);
    ledger.allocate(ids(0, 0, 20), devices, SECOND);
    ledger.start(init, kubelet, devices, 2 * SECOND);
    ledger.start(ids(0, 0, 20), kubelet, devices, 3 * SECOND);
    Start start = ledger.start(init, kubelet, devices, 100 * SECOND);

    ledger.allocate(init, devices, 101 * SECOND);
    ledger.takeBack(start, 102 * SECOND);

    assertThat(ledger.used(uuid(0))).isEqualTo(30);
    assertThat(ledger.usedByStarted(uuid(0))).isZero();
  }

  @Test
  void anInitContainerIsFoundThroughTheCheckpointBecauseNobodyListsIt() throws Exception {
    SortedSet<String> init = ids(0, 0, 30);
    SortedSet<String> app = ids(0, 0, 20);
    Holders kubelet =
        new Holders(
            List.of(new ListedContainer("default", "a", "main", app)),
            List.of(
                new CheckpointEntry("uid-a", "prepare", init, List.of()),
                new CheckpointEntry("uid-a", "main", app, List.of())));
    ledger.allocate(init, devices, 1);
    ledger.allocate(app, devices, 2);

    Start start = ledger.start(init, kubelet, devices, 3);

    assertThat(start.container()).isEqualTo(new PodContainer("default", "a", "uid-a", "prepare"));
    assertThat(ledger.used(uuid(0))).as("shared units count once").isEqualTo(30);
    assertThat(ledger.start(app, kubelet, devices, 4).ended()).containsExactly(start.grant().key());
    assertThat(ledger.used(uuid(0))).isEqualTo(20);
  }

  @Test
  void anInitContainerIsFoundThroughItsPodsOthersWhereTheCheckpointCannotBeRead() throws Exception {
    SortedSet<String> init = ids(0, 0, 30);
    ledger.allocate(init, devices, 1);

    Start start = ledger.start(init, listed("a", ids(0, 0, 20)), devices, 3);

    assertThat(start.container()).isEqualTo(new PodContainer("default", "a", "", ""));
  }

  @Test
  void anotherPodOfTheSameNameGetsTheIdsOfTheOneBefore() throws Exception {
    SortedSet<String> ids = ids(0, 0, 30);
    ledger.allocate(ids, devices, 1);
    ledger.start(ids, named("web-0", "uid-1", ids), devices, 2);
    ledger.allocate(ids, devices, 3);

    Start start = ledger.start(ids, named("web-0", "uid-2", ids), devices, 4);

    assertThat(start.container().podUid()).isEqualTo("uid-2");
    assertThat(start.before().awaited()).isTrue();
    assertThat(ledger.used(uuid(0))).isEqualTo(30);
  }

  @Test
  void idsThatAreAllocatedAgainOutliveTheirOldPod() throws Exception {
    Grant grant = ledger.allocate(ids(0, 0, 30), devices, SECOND);
    start("old", grant);
    ledger.allocate(grant.ids(), devices, 100 * SECOND);

    reconcile(NOBODY, 101 * SECOND);
    reconcile(NOBODY, 102 * SECOND);

    assertThat(ledger.used(uuid(0))).isEqualTo(30);
    start("new", grant);
    assertThat(ledger.usedByStarted(uuid(0))).isEqualTo(30);
  }

  @Test
  void heldIdsArePreferredLast() throws Exception {
    Grant held = ledger.allocate(ids(0, 0, 50), devices, 1);
    SortedSet<String> all = ids(0, 0, 100);
    all.addAll(ids(1, 0, 100));

    assertThat(ledger.prefer(Set.of(), all, Set.of(), 50, devices))
        .doesNotContainAnyElementsOf(held.ids())
        .allMatch(id -> id.startsWith(uuid(0)));
    assertThat(ledger.prefer(Set.of(), all, Set.of(), 100, devices))
        .allMatch(id -> id.startsWith(uuid(1)));
    assertThat(ledger.prefer(Set.of(), held.ids(), Set.of(), 50, devices))
        .containsExactlyInAnyOrderElementsOf(held.ids());
  }

  @Test
  void whatIsHandedOnIsInTheAnswer() throws Exception {
    SortedSet<String> must = ids(1, 0, 30);
    ledger.allocate(must, devices, 1);
    SortedSet<String> all = ids(0, 0, 100);
    all.addAll(ids(1, 0, 100));

    List<String> preferred = ledger.prefer(Set.of(), all, must, 80, devices);

    assertThat(preferred).hasSize(80).containsAll(must).allMatch(id -> id.startsWith(uuid(1)));
  }

  private Holders start(String pod, Grant grant) throws NotYet {
    Holders kubelet = listed(pod, grant.ids());
    ledger.start(grant.ids(), kubelet, devices, 5 * SECOND);
    return kubelet;
  }

  private Reconciled reconcile(Holders kubelet, long nowNanos) {
    return ledger.reconcile(kubelet, Set.of(), Set.of(), devices, nowNanos);
  }

  private static Holders listed(String pod, SortedSet<String> ids) {
    return new Holders(List.of(new ListedContainer("default", pod, "main", ids)), List.of());
  }

  private static Holders named(String pod, String uid, SortedSet<String> ids) {
    return new Holders(
        List.of(new ListedContainer("default", pod, "main", ids)),
        List.of(new CheckpointEntry(uid, "main", ids, List.of())));
  }

  private static SortedSet<String> ids(int device, int from, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      ids.add(new UnitId(uuid(device), i).text());
    }
    return new TreeSet<>(ids);
  }

  private static String uuid(int device) {
    return FakeNode.uuid(device);
  }
}
