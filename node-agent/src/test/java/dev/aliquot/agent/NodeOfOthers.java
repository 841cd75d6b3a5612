package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.KubeletStandIn;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A kubelet in the folder where an agent that somebody else has started looks for one. */
final class NodeOfOthers implements AutoCloseable {
  private final int devices;
  private final KubeletStandIn kubelet;
  private final List<PodSpec> pods = new ArrayList<>();

  /**
   * Waits until the agent's plugin has registered.
   *
   * @param folder the kubelet's
   * @param devices of the agent's node
   */
  NodeOfOthers(Path folder, int devices) throws IOException {
    this.devices = devices;
    kubelet = new KubeletStandIn(folder, PluginOptions.RESOURCE, StandInBehaviour.NORMAL).start();
    awaitUnits();
  }

  void restartKubelet() throws IOException {
    kubelet.restart();
    awaitUnits();
  }

  PodSpec admit(PodSpec pod) {
    var admission = kubelet.addPod(pod);
    assertThat(admission.isAdmitted()).as(admission.message()).isTrue();
    pods.add(pod);
    return pod;
  }

  /** Has a container prepared to start, as soon as it may. */
  ContainerStart start(PodSpec pod, String container) {
    ContainerStart[] start = new ContainerStart[1];
    Eventually.soon(
        () -> {
          start[0] = kubelet.startContainer(pod.name(), container);
          assertThat(start[0].runs()).as(start[0].error()).isTrue();
        });
    return start[0];
  }

  /** All that were admitted, when their containers have ended. */
  void deletePods() {
    pods.forEach(pod -> kubelet.deletePod(pod.name()));
    pods.clear();
  }

  @Override
  public void close() {
    kubelet.close();
  }

  private void awaitUnits() {
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(100 * devices));
    kubelet.reportStatus();
  }
}
