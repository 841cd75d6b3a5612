package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.support.KubeletNode;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** An answer for which the kubelet waits no longer; its 30 s are waited out. */
class LateAnswerTest {
  private final CountDownLatch late = new CountDownLatch(1);
  private final CountDownLatch binding = new CountDownLatch(2);

  @Test
  void whatIsMadeTooLateIsThereForTheNextStartAndEndsWithItsPod() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL);
        // both wait out their time at once, also where the common pool has one thread
        ExecutorService podWorkers = Executors.newVirtualThreadPerTaskExecutor()) {
      node.awaitUnits(100);
      node.fake().beforeBind =
          (grant, container) -> {
            binding.countDown();
            await(late);
          };
      node.kubelet().addPod(PodSpec.of("stays", 50));
      node.kubelet().addPod(PodSpec.of("goes", 50));
      var stays = podWorkers.submit(() -> node.kubelet().startPod("stays"));
      var goes = podWorkers.submit(() -> node.kubelet().startPod("goes"));
      await(binding);
      node.fake().released.clear();

      assertThat(stays.get().error()).isEqualTo(TOO_LATE);
      assertThat(goes.get().error()).isEqualTo(TOO_LATE);
      assertThat(node.kubelet().startPod("stays").error()).contains("still being prepared");
      node.kubelet().deletePod("goes");
      soon(() -> assertThat(node.plugin().view().grants()).hasSize(1));
      assertThat(node.fake().bound).isEmpty();
      late.countDown();

      soon(() -> assertThat(node.fake().bound.values()).anyMatch(c -> c.pod().equals("stays")));
      soon(() -> assertThat(node.fake().released).isNotEmpty());
      assertThat(node.fake().bound).hasSize(1);
      ContainerStart again = node.kubelet().startPod("stays");
      assertThat(again.error()).isEmpty();
      String key = again.given().getEnvsOrThrow("ALIQUOT_GRANT");
      assertThat(node.fake().bound).containsOnlyKeys(key);
      assertThat(node.fake().released).doesNotContain(key);
      assertThat(node.plugin().view().devices().getFirst().started()).isEqualTo(50);
      assertThat(node.kubelet().addPod(PodSpec.of("next", 50)).isAdmitted()).isTrue();
      assertThat(node.kubelet().startPod("next").error()).isEmpty();
    }
  }

  private static final String TOO_LATE =
      "CreateContainerConfigError: device plugin PreStartContainer rpc failed with err: rpc error:"
          + " code = DeadlineExceeded desc = context deadline exceeded";

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
