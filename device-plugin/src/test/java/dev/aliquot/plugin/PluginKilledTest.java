package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.KubeletPaths;
import dev.aliquot.plugin.kubelet.KubeletStandIn;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.pod.CheckpointEntry;
import dev.aliquot.plugin.support.KubeletNode;
import dev.aliquot.plugin.support.PluginProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A plugin that is killed at any step, and the next one. */
class PluginKilledTest {
  enum Step {
    BEFORE_IT_SERVES,
    REGISTERING,
    REGISTERED,
    ALLOCATED,
    STARTING,
    STARTED
  }

  @ParameterizedTest
  @EnumSource(Step.class)
  void killedAtAnyStepNothingIsLostOrDoubled(Step step) throws Exception {
    Path folder = KubeletNode.folder();
    StandInBehaviour behaviour =
        step == Step.REGISTERING ? StandInBehaviour.ONLY_CALLED : StandInBehaviour.NORMAL;
    try (KubeletStandIn kubelet =
        new KubeletStandIn(folder, PluginOptions.RESOURCE, behaviour).start()) {
      try (PluginProcess first = PluginProcess.start(folder, 2)) {
        until(step, first, kubelet, folder);
        first.kill();
      }
      soon(() -> assertThat(kubelet.healthyUnits()).isZero());
      try (PluginProcess second = PluginProcess.start(folder, 2)) {
        soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(200));
        kubelet.reportStatus();
        Map<String, Integer> used = new HashMap<>();
        for (String pod : List.of("a", "b", "c")) {
          if (step.compareTo(Step.ALLOCATED) < 0 || pod.equals("c")) {
            assertThat(kubelet.addPod(PodSpec.of(pod, 60)).isAdmitted()).isTrue();
          }
        }
        for (String pod : List.of("a", "b")) {
          ContainerStart start = startedSoon(kubelet, pod);
          String device = start.given().getAnnotationsOrThrow(CheckpointEntry.DEVICES_ANNOTATION);
          used.merge(device, 60, Integer::sum);
        }
        assertThat(used).hasSize(2).allSatisfy((device, units) -> assertThat(units).isEqualTo(60));
        assertThat(kubelet.startPod("c").error()).contains("has 40 of 100 units free");
        assertThat(kubelet.calls("Allocate")).hasSize(3);
        assertThat(second.isBinding()).isFalse();
      }
    }
    KubeletNode.delete(folder);
  }

  private static void until(Step step, PluginProcess plugin, KubeletStandIn kubelet, Path folder)
      throws Exception {
    if (step == Step.BEFORE_IT_SERVES) {
      return;
    }
    if (step == Step.REGISTERING) {
      Path socket = new KubeletPaths(folder, PluginOptions.RESOURCE).classic();
      soon(() -> assertThat(Files.exists(socket)).isTrue());
      return;
    }
    soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(200));
    kubelet.reportStatus();
    if (step == Step.REGISTERED) {
      return;
    }
    assertThat(kubelet.addPod(PodSpec.of("a", 60)).isAdmitted()).isTrue();
    assertThat(kubelet.addPod(PodSpec.of("b", 60)).isAdmitted()).isTrue();
    if (step == Step.STARTING) {
      PluginProcess.holdBind(folder);
      CompletableFuture<ContainerStart> start =
          CompletableFuture.supplyAsync(() -> kubelet.startPod("a"));
      soon(() -> assertThat(plugin.isBinding()).isTrue());
      plugin.kill();
      assertThat(start.get().error()).contains("CreateContainerConfigError");
      PluginProcess.letBind(folder);
    }
    if (step == Step.STARTED) {
      assertThat(kubelet.startPod("a").runs()).isTrue();
      assertThat(kubelet.startPod("b").runs()).isTrue();
    }
  }

  private static ContainerStart startedSoon(KubeletStandIn kubelet, String pod) {
    CompletableFuture<ContainerStart> started = new CompletableFuture<>();
    soon(
        () -> {
          ContainerStart start = kubelet.startPod(pod);
          assertThat(start.error()).isEmpty();
          started.complete(start);
        });
    return started.join();
  }

  @Test
  void withoutItsFileTheNextOneLearnsEverythingFromTheKubelet() throws Exception {
    try (KubeletNode node = KubeletNode.start(3, StandInBehaviour.NORMAL)) {
      node.awaitUnits(300);
      for (String pod : List.of("a", "b", "c")) {
        node.kubelet().addPod(PodSpec.of(pod, 60));
        assertThat(node.kubelet().startPod(pod).runs()).isTrue();
      }
      node.kubelet().addPod(PodSpec.of("d", 90));
      assertThat(node.kubelet().startPod("d").error()).contains("units free and 90 are needed");
      Map<SortedSet<String>, List<String>> before = places(node.plugin());
      node.stopPlugin();
      Files.deleteIfExists(node.options().stateFile());
      node.startPlugin();
      node.awaitUnits(300);

      // Before it serves, so that nothing is allocated by a ledger that knows nothing.
      assertThat(node.plugin().view().figures().of(Count.ADOPTED)).isEqualTo(4);
      assertThat(places(node.plugin())).isEqualTo(before);
      for (String pod : List.of("a", "b", "c")) {
        assertThat(node.kubelet().startContainer(pod, "main").error()).isEmpty();
      }
      assertThat(node.kubelet().startPod("d").error()).contains("units free and 90 are needed");
    }
  }

  private static Map<SortedSet<String>, List<String>> places(Plugin plugin) {
    Map<SortedSet<String>, List<String>> places = new HashMap<>();
    plugin.view().grants().forEach(kept -> places.put(kept.grant().ids(), kept.grant().devices()));
    return places;
  }
}
