package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.node.DeviceStanding;
import dev.aliquot.health.node.NodePolicy;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeConditionBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * A cluster of two nodes, on one of which an agent with two devices reports; its time is a test's.
 */
abstract class ClusterFixture {
  static final String NODE = "worker-7";
  static final KubernetesOptions ALL =
      new KubernetesOptions(
          KubernetesMode.ON,
          new NodePolicy(true, true, Set.of(FaultClass.NODE, FaultClass.REPLACE)),
          EvictionPolicy.EVICT,
          20);
  static final KubernetesOptions TELL =
      new KubernetesOptions(KubernetesMode.ON, NodePolicy.NONE, EvictionPolicy.NONE, 20);

  final Map<Integer, DeviceStanding> devices = new HashMap<>();
  final List<FaultView> faults = new ArrayList<>();
  final Set<PodName> pods = new HashSet<>();
  final FakeApi server = new FakeApi();
  Instant wall = Instant.parse("2026-11-29T12:00:00Z");
  long nanos = Long.MAX_VALUE - Duration.ofMinutes(1).toNanos();
  KubernetesClient admin;
  NodeApi api;
  NodeReconciler agent;

  @BeforeEach
  void startCluster() {
    admin = server.admin();
    addNode(NODE);
    addNode("other");
    stands(0, DeviceState.HEALTHY);
    stands(1, DeviceState.HEALTHY);
  }

  @AfterEach
  void stopCluster() {
    if (api != null) {
      api.close();
    }
    admin.close();
    server.close();
  }

  void addNode(String name) {
    admin
        .resource(
            new NodeBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .endSpec()
                .withNewStatus()
                .addToConditions(
                    new NodeConditionBuilder().withType("Ready").withStatus("True").build())
                .endStatus()
                .build())
        .create();
  }

  /** A node whose agent says that a device is out, or that none is. */
  void addPeer(String name, boolean healthy) {
    admin
        .resource(
            new NodeBuilder()
                .withNewMetadata()
                .withName(name)
                .addToLabels(NodeParts.HEALTH_LABEL, healthy ? "healthy" : "unhealthy")
                .endMetadata()
                .withNewStatus()
                .addToConditions(
                    new NodeConditionBuilder()
                        .withType("AliquotGpuHealthy")
                        .withStatus(healthy ? "True" : "False")
                        .build())
                .endStatus()
                .build())
        .create();
  }

  void addPod(String namespace, String name, String node) {
    admin
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .withNodeName(node)
                .endSpec()
                .withNewStatus()
                .withPhase("Running")
                .endStatus()
                .build())
        .create();
  }

  void start(KubernetesOptions options) {
    start(options, server.config());
  }

  void start(KubernetesOptions options, Config cluster) {
    ApiClock clock = new ApiClock(() -> wall, () -> nanos);
    api = NodeApi.open(cluster, NODE, clock);
    agent =
        new NodeReconciler(
            options,
            api,
            () -> List.copyOf(devices.values()),
            () -> List.copyOf(faults),
            device -> device.equals("GPU-0") ? pods : Set.of(),
            clock,
            () -> nanos);
    server.forget();
    agent.pass();
  }

  /** Time goes by, with a pass a second. */
  void after(Duration time) {
    for (long second = 0; second < time.toSeconds(); second++) {
      nanos += Duration.ofSeconds(1).toNanos();
      wall = wall.plusSeconds(1);
      agent.pass();
    }
  }

  void stands(int index, DeviceState state) {
    stands(index, state, false, false);
  }

  void stands(int index, DeviceState state, boolean replace, boolean drill) {
    String why = state == DeviceState.HEALTHY ? "" : "it is " + state.label();
    devices.put(
        index,
        new DeviceStanding(index, "GPU-" + index, new Verdict(state, why, 1, replace, drill)));
  }

  /** Seen so many times in all. */
  static FaultView fault(long id, String code, String faultClass, long sightings, PodName pod) {
    return new FaultView(
        id,
        Instant.EPOCH,
        Instant.EPOCH,
        "GPU-0",
        code,
        faultClass,
        "Something happened.",
        "Do something.",
        List.of("kernel-log"),
        sightings,
        7,
        "py\u001b[2Jthon",
        pod == null ? "" : "t1",
        pod == null ? "" : "tenant",
        pod == null ? "" : pod.namespace(),
        pod == null ? "" : pod.name(),
        "",
        "",
        "",
        false);
  }

  Node node() {
    return admin.nodes().withName(NODE).get();
  }

  Optional<NodeCondition> condition() {
    return node().getStatus().getConditions().stream()
        .filter(each -> each.getType().equals("AliquotGpuHealthy"))
        .findFirst();
  }

  String status() {
    return condition().map(NodeCondition::getStatus).orElse("none");
  }

  String label(String key) {
    return NodeParts.label(node(), key);
  }

  boolean isTainted() {
    return NodeParts.isTainted(node());
  }

  List<Event> events(String namespace) {
    return admin.v1().events().inNamespace(namespace).list().getItems();
  }

  boolean exists(String namespace, String pod) {
    return admin.pods().inNamespace(namespace).withName(pod).get() != null;
  }
}
