package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.kubernetes.PodWatch;
import dev.aliquot.agent.plugin.PodOptions;
import dev.aliquot.agent.plugin.PodService;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.PluginOptions;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.KubeletStandIn;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.node.Injection;
import dev.aliquot.plugin.support.KubeletNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * A kubelet over real sockets, the agent, and containers' processes: what a container is given is
 * what the kubelet has kept of the plugin's answer, as a runtime would read it.
 */
abstract class KubeletFixture extends PodFixture {
  Path kubeletFolder;
  KubeletStandIn kubelet;
  PodService service;

  @BeforeEach
  void startKubelet() throws Exception {
    kubeletFolder = KubeletNode.folder();
    kubelet =
        new KubeletStandIn(kubeletFolder, PluginOptions.RESOURCE, StandInBehaviour.NORMAL).start();
    serve();
    awaitUnits();
  }

  @AfterEach
  void stopKubelet() throws IOException {
    if (service != null) {
      service.close();
    }
    if (kubelet != null) {
      kubelet.close();
      removeDirectory(kubeletFolder);
    }
  }

  /** With short times. */
  void serve() throws IOException {
    PluginOptions test = KubeletNode.options(kubeletFolder);
    service =
        PodService.start(
            new PluginOptions(
                test.kubelet(),
                test.resource(),
                test.placement(),
                PodService.stateFile(agent),
                test.reconcile(),
                test.registration(),
                test.ledger()),
            agent,
            PodOptions.of(kubeletFolder),
            watch());
  }

  /** Of pods' annotations; null: they are not read. */
  @Nullable PodWatch watch() {
    return null;
  }

  void awaitUnits() {
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(100 * devices()));
    kubelet.reportStatus();
  }

  void admit(PodSpec pod) {
    var admission = kubelet.addPod(pod);
    assertThat(admission.isAdmitted()).as(admission.message()).isTrue();
  }

  /** Starts a container as soon as it may be, and has a CUDA program in it. */
  Talker run(PodSpec pod, String container, String containerId) throws IOException {
    return run(pod, container, containerId, program().toString());
  }

  Talker run(PodSpec pod, String container, String containerId, String... command)
      throws IOException {
    return sandbox.start(sandbox.group(pod.uid(), containerId), given(pod, container), command);
  }

  /** What a container is given when it starts, as soon as it may. */
  Injection given(PodSpec pod, String container) {
    ContainerStart[] start = new ContainerStart[1];
    Eventually.soon(
        () -> {
          start[0] = kubelet.startContainer(pod.name(), container);
          assertThat(start[0].runs()).as(start[0].error()).isTrue();
        });
    return injection(start[0]);
  }

  static Injection injection(ContainerStart start) {
    return new Injection(
        start.given().getEnvsMap(),
        start.given().getMountsList().stream()
            .map(
                mount ->
                    new Injection.Mount(
                        mount.getHostPath(), mount.getContainerPath(), mount.getReadOnly()))
            .toList(),
        List.of(),
        List.of());
  }

  static String name(PodSpec pod, String container) {
    return pod.namespace() + "/" + pod.name() + "/" + container;
  }

  static boolean isThere(Injection injection) {
    return Files.isDirectory(Path.of(injection.mounts().getFirst().hostPath()));
  }
}
