package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.DeviceBreaker;
import dev.aliquot.health.device.DeviceMachine;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Report;
import dev.aliquot.health.fault.Source;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.health.node.DeviceStanding;
import dev.aliquot.health.node.HyperPod;
import dev.aliquot.health.node.NodePolicy;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ten nodes with an agent each, of one cluster. */
class FleetTest {
  private static final int NODES = 10;
  private static final KubernetesOptions OPTIONS =
      new KubernetesOptions(
          KubernetesMode.ON,
          new NodePolicy(true, false, Set.of(FaultClass.REPLACE)),
          EvictionPolicy.NONE,
          20);

  private final FakeApi server = new FakeApi();
  private final KubernetesClient admin = server.admin();
  private final List<Agent> agents = new ArrayList<>();
  private long nanos;

  @TempDir private Path folder;

  private final class Agent {
    private final NodeApi api;
    private final NodeReconciler reconciler;
    private Verdict verdict = Verdict.HEALTHY;

    Agent(int index) {
      String name = "node-" + index;
      admin
          .resource(
              new NodeBuilder()
                  .withNewMetadata()
                  .withName(name)
                  .endMetadata()
                  .withNewSpec()
                  .endSpec()
                  .withNewStatus()
                  .endStatus()
                  .build())
          .create();
      ApiClock clock =
          new ApiClock(() -> Instant.EPOCH.plus(Duration.ofDays(1)).plusNanos(nanos), () -> nanos);
      api = NodeApi.open(server.config(), name, clock);
      reconciler =
          new NodeReconciler(
              OPTIONS,
              api,
              () -> List.of(new DeviceStanding(0, "GPU-" + index, verdict)),
              List::of,
              device -> Set.of(),
              clock,
              () -> nanos);
    }
  }

  @AfterEach
  void stop() {
    agents.forEach(agent -> agent.api.close());
    admin.close();
    server.close();
  }

  private void start() {
    for (int i = 0; i < NODES; i++) {
      agents.add(new Agent(i));
    }
    run(Duration.ofSeconds(20), new Random(1));
  }

  /** In another order each second. */
  private void run(Duration time, Random random) {
    for (int second = 0; second < time.toSeconds(); second++) {
      nanos += Duration.ofSeconds(1).toNanos();
      List<Agent> order = new ArrayList<>(agents);
      Collections.shuffle(order, random);
      order.forEach(agent -> agent.reconciler.pass());
    }
  }

  /** As the agent comes to it, by a table that somebody has changed. */
  private Verdict afterXid13(String override) throws Exception {
    Path file = folder.resolve("xids.yaml");
    Files.writeString(file, override);
    Catalogue catalogue = Catalogue.builtIn("nvidia").overriddenBy(file);
    Report report =
        new XidReports(catalogue)
            .of(13, Source.KERNEL_LOG, new Moment(Instant.EPOCH, nanos), "GPU-0", false);
    return new DeviceMachine("GPU-0", Duration.ofSeconds(30), new DeviceBreaker(1, 100))
        .fault(new Correlator(1).take(report, () -> Blame.NOBODY).fault(), nanos);
  }

  private List<Node> takenOut() {
    return admin.nodes().list().getItems().stream()
        .filter(
            node -> NodeParts.isTainted(node) || !NodeParts.label(node, HyperPod.LABEL).isEmpty())
        .toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void anOverrideThatHasAProgramsFaultReplaceNodesTakesOutNoMoreThanTheShare(int seed)
      throws Exception {
    start();
    Verdict verdict = afterXid13("rows: [{xid: 13, class: replace}]");
    assertThat(verdict.replace()).isTrue();
    Random random = new Random(seed);
    // a job of one program on every node, which fails everywhere, here and there a little later
    for (Agent agent : agents) {
      agent.verdict = verdict;
      if (random.nextBoolean()) {
        run(Duration.ofSeconds(random.nextInt(15)), random);
      }
    }
    run(Duration.ofMinutes(5), random);
    assertThat(takenOut()).hasSizeLessThanOrEqualTo(NODES / 5);
    assertThat(agents.stream().filter(agent -> !agent.reconciler.view().breaker().isEmpty()))
        .as("it says so")
        .hasSizeGreaterThanOrEqualTo(NODES - NODES / 5);
    assertThat(admin.v1().events().inNamespace("default").list().getItems())
        .filteredOn(event -> event.getReason().equals("GpuBreakerOpen"))
        .isNotEmpty();
  }

  @Test
  void halfTheFleetAtOnceStaysAndOneNodeAloneGoes() throws Exception {
    start();
    Verdict verdict = afterXid13("rows: [{xid: 13, class: replace}]");
    agents.getFirst().verdict = verdict;
    run(Duration.ofSeconds(30), new Random(3));
    assertThat(takenOut())
        .extracting(node -> node.getMetadata().getName())
        .containsExactly("node-0");
    agents.subList(4, 9).forEach(agent -> agent.verdict = verdict);
    run(Duration.ofMinutes(3), new Random(4));
    assertThat(takenOut()).hasSizeLessThanOrEqualTo(2);
    agents.forEach(agent -> agent.verdict = Verdict.HEALTHY);
    run(Duration.ofMinutes(3), new Random(5));
    assertThat(admin.nodes().list().getItems()).noneMatch(NodeParts::isTainted);
    assertThat(agents).allMatch(agent -> agent.reconciler.view().breaker().isEmpty());
  }
}
