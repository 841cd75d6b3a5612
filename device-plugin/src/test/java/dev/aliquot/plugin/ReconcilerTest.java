package dev.aliquot.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.LedgerRules;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.support.KubeletNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReconcilerTest {
  private static final Duration HOUR = Duration.ofHours(1);

  @Test
  void aStartThatFindsNoRoomFreesWhatHasEndedAndGoesOn() throws Exception {
    try (KubeletNode node =
        KubeletNode.start(2, StandInBehaviour.NORMAL, ReconcilerTest::comparedOnceAnHour)) {
      node.awaitUnits(200);
      node.kubelet().addPod(PodSpec.of("ended", 60));
      String ended = node.kubelet().startPod("ended").given().getEnvsOrThrow("ALIQUOT_GRANT");
      node.kubelet().addPod(PodSpec.of("lives", 60));
      assertThat(node.kubelet().startPod("lives").error()).isEmpty();
      SortedSet<String> ids = node.kubelet().ids("ended", "main");
      node.kubelet().deletePod("ended");
      node.kubelet().addPod(PodSpec.of("next", 50));
      assertThat(node.kubelet().ids("next", "main"))
          .as("whose ids others have starts in their place")
          .doesNotContainAnyElementsOf(ids);

      assertThat(node.kubelet().startPod("next").error()).isEmpty();

      assertThat(node.fake().released).containsExactly(ended);
      assertThat(node.plugin().view().devices())
          .extracting(PluginView.Units::started)
          .containsExactly(50, 60);
    }
  }

  @Test
  void aStartThatFindsNoRoomLeavesWhoLivesAlone() throws Exception {
    try (KubeletNode node =
        KubeletNode.start(2, StandInBehaviour.NORMAL, ReconcilerTest::comparedOnceAnHour)) {
      node.awaitUnits(200);
      for (String lives : List.of("one", "other", "third")) {
        node.kubelet().addPod(PodSpec.of(lives, 60));
      }
      assertThat(node.kubelet().startPod("one").error()).isEmpty();
      assertThat(node.kubelet().startPod("other").error()).isEmpty();

      assertThat(node.kubelet().startPod("third").error())
          .contains("has 40 of 100 units free and 60 are needed");

      assertThat(node.fake().released).isEmpty();
      assertThat(node.plugin().view().devices())
          .extracting(PluginView.Units::started)
          .containsExactly(60, 60);
    }
  }

  @Test
  void whoeverWaitsSharesComparisonsThatArePartedByAWhile() throws Exception {
    Duration apart = Duration.ofMillis(200);
    AtomicInteger asked = new AtomicInteger();
    FakeNode node = new FakeNode(1);
    Reconciler reconciler =
        new Reconciler(
            node,
            new Ledger("aliquot.dev/gpu-fraction", Placement.PACK, LedgerRules.DEFAULT),
            key -> {},
            () -> {
              asked.incrementAndGet();
              return new Holders(List.of(), List.of());
            },
            new Counters(),
            System::nanoTime,
            () -> {},
            apart);
    CountDownLatch together = new CountDownLatch(1);
    List<CompletableFuture<Integer>> settled = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      long beganNanos = System.nanoTime();
      for (int i = 0; i < 40; i++) {
        settled.add(
            CompletableFuture.supplyAsync(
                () -> {
                  await(together);
                  int before = asked.get();
                  reconciler.settle();
                  return asked.get() - before;
                },
                threads));
      }
      together.countDown();
      for (CompletableFuture<Integer> each : settled) {
        assertThat(each.get()).isGreaterThanOrEqualTo(2);
      }
      long elapsedNanos = System.nanoTime() - beganNanos;
      assertThat(asked.get()).as("shared by those who wait").isLessThan(settled.size() / 2);
      assertThat(asked.get() - 1).isBetween(1, (int) (elapsedNanos / apart.toNanos()));
    }
  }

  private static PluginOptions comparedOnceAnHour(PluginOptions options) {
    return new PluginOptions(
        options.kubelet(),
        options.resource(),
        options.placement(),
        options.stateFile(),
        HOUR,
        options.registration(),
        options.ledger());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
