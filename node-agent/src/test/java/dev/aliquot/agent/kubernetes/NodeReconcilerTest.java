package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.device.DeviceState;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the cluster is told, and when. */
class NodeReconcilerTest extends ClusterFixture {

  @Test
  void aHealthyNodeHasAConditionAndALabelAndNobodyElsesConditionIsTouched() {
    start(TELL);
    NodeCondition condition = condition().orElseThrow();
    assertThat(condition.getStatus()).isEqualTo("True");
    assertThat(condition.getReason()).isEqualTo("AllGpusHealthy");
    assertThat(condition.getLastHeartbeatTime()).isEqualTo("2026-11-29T12:00:00Z");
    assertThat(label("aliquot.dev/gpu-health")).isEqualTo("healthy");
    assertThat(node().getStatus().getConditions())
        .extracting(NodeCondition::getType)
        .containsExactlyInAnyOrder("Ready", "AliquotGpuHealthy");
    assertThat(agent.view().problem()).isEmpty();
    assertThat(agent.view().pending()).isZero();
    assertThat(events("default")).isEmpty();
  }

  @Test
  void aLostDeviceIsToldWithASentenceAndAnEvent() {
    start(TELL);
    after(Duration.ofMinutes(1));
    stands(0, DeviceState.LOST);
    after(Duration.ofSeconds(1));
    NodeCondition condition = condition().orElseThrow();
    assertThat(condition.getStatus()).isEqualTo("False");
    assertThat(condition.getReason()).isEqualTo("GpuLost");
    assertThat(condition.getMessage())
        .isEqualTo("1 of 2 GPUs take no tenants: GPU 0 (GPU-0) lost, it is lost");
    assertThat(condition.getLastTransitionTime()).isEqualTo(wall.toString());
    assertThat(label("aliquot.dev/gpu-health")).isEqualTo("degraded");
    Event event = events("default").getFirst();
    assertThat(event.getReason()).isEqualTo("GpuLost");
    assertThat(event.getType()).isEqualTo("Warning");
    assertThat(event.getInvolvedObject().getUid()).isEqualTo(node().getMetadata().getUid());
    stands(0, DeviceState.HEALTHY);
    after(Duration.ofSeconds(30));
    assertThat(status()).isEqualTo("True");
    assertThat(label("aliquot.dev/gpu-health")).isEqualTo("healthy");
  }

  @Test
  void nothingIsAskedWhileNothingChangesButAHeartbeat() {
    start(TELL);
    server.forget();
    after(Duration.ofSeconds(50));
    assertThat(server.requests()).isEmpty();
    Instant since = Instant.parse(condition().orElseThrow().getLastTransitionTime());
    server.forget();
    after(Duration.ofMinutes(15));
    assertThat(server.changes()).hasSizeBetween(2, 3);
    NodeCondition condition = condition().orElseThrow();
    assertThat(condition.getLastTransitionTime()).isEqualTo(since.toString());
    assertThat(Instant.parse(condition.getLastHeartbeatTime()))
        .isAfter(wall.minus(Duration.ofMinutes(6)));
  }

  @Test
  void flappingAHundredTimesAMinuteIsOneChange() {
    start(TELL);
    after(Duration.ofMinutes(1));
    server.forget();
    for (int i = 0; i < 100; i++) {
      stands(0, i % 2 == 0 ? DeviceState.NEEDS_RESET : DeviceState.HEALTHY);
      after(Duration.ofSeconds(1));
    }
    assertThat(server.changes().stream().filter(each -> each.path().endsWith("/status")))
        .hasSize(1);
    assertThat(status()).isEqualTo("False");
  }

  @Test
  void afterTenMinutesWithoutTheServerItShowsTheLatestAndNothingElse() {
    start(TELL);
    after(Duration.ofMinutes(1));
    server.away = true;
    stands(0, DeviceState.LOST);
    after(Duration.ofMinutes(4));
    assertThat(agent.view().problem()).contains("could not read the node worker-7");
    assertThat(agent.view().pending()).isPositive();
    assertThat(agent.view().failures()).isBetween(2L, 12L);
    faults.add(fault(2, "79", "replace", 3, null));
    stands(0, DeviceState.NEEDS_RESET);
    after(Duration.ofMinutes(3));
    stands(0, DeviceState.HEALTHY);
    after(Duration.ofMinutes(3));
    server.forget();
    server.away = false;
    after(NodeReconciler.LAST_RETRY);
    assertThat(status()).isEqualTo("True");
    assertThat(label("aliquot.dev/gpu-health")).isEqualTo("healthy");
    assertThat(server.changes().stream().filter(each -> each.body().contains("\"False\"")))
        .as("what is over is not told")
        .isEmpty();
    assertThat(events("default"))
        .filteredOn(event -> event.getReason().equals("GpuXid79"))
        .extracting(Event::getCount)
        .containsExactly(3);
    after(Duration.ofSeconds(15));
    assertThat(agent.view().problem()).isEmpty();
    assertThat(agent.view().pending()).isZero();
  }

  @Test
  void aServerThatIsAwayWhenADeviceIsLostIsToldAsSoonAsItIsBack() {
    server.away = true;
    start(TELL);
    stands(0, DeviceState.LOST);
    after(Duration.ofMinutes(10));
    server.away = false;
    after(NodeReconciler.LAST_RETRY);
    assertThat(status()).isEqualTo("False");
    after(Duration.ofSeconds(15));
    assertThat(agent.view().pending()).isZero();
  }

  @Test
  void aNodeThatTheClusterDoesNotHaveIsAProblemThatIsNamed() {
    admin.nodes().withName(NODE).delete();
    start(TELL);
    assertThat(agent.view().problem()).contains("no node worker-7").contains("node-name");
    addNode(NODE);
    after(NodeReconciler.LAST_RETRY);
    assertThat(status()).isEqualTo("True");
  }

  @Test
  void aServerThatIsNotThereIsNamed() {
    start(TELL, new ConfigBuilder(server.config()).withMasterUrl("http://127.0.0.1:9").build());
    after(Duration.ofSeconds(5));
    assertThat(agent.view().problem())
        .contains("could not read the node worker-7: the API server does not answer (java.n");
    stands(0, DeviceState.LOST);
    faults.add(fault(2, "79", "replace", 1, null));
    after(Duration.ofSeconds(5));
    assertThat(agent.view().pending()).as("waits").isGreaterThan(1);
    assertThat(agent.view().failures()).as("tried less and less often").isLessThan(6);
  }

  @Test
  void whatIsForbiddenIsNamedAndTheRestIsDone() {
    server.forbidden = "/status";
    start(TELL);
    assertThat(agent.view().problem()).contains("could not set the condition");
    assertThat(label("aliquot.dev/gpu-health")).isEqualTo("healthy");
    assertThat(agent.view().failures()).isEqualTo(1);
  }

  @Test
  void timesAreTheServersHoweverTheNodesClockJumps() {
    server.date = "Sun, 29 Nov 2026 10:00:00 GMT";
    wall = Instant.parse("2031-01-01T00:00:00Z");
    start(TELL);
    after(Duration.ofMinutes(1));
    wall = Instant.parse("2001-01-01T00:00:00Z");
    stands(0, DeviceState.LOST);
    after(Duration.ofSeconds(2));
    NodeCondition condition = condition().orElseThrow();
    assertThat(condition.getStatus()).as("damped by the clock that never jumps").isEqualTo("False");
    assertThat(Instant.parse(condition.getLastTransitionTime()))
        .isBetween(Instant.parse("2026-11-29T10:00:00Z"), Instant.parse("2026-11-29T10:02:00Z"));
  }

  @Test
  void aTransitionThatSomebodyWroteIntoTheFutureIsCorrected() {
    start(TELL);
    NodeCondition before = condition().orElseThrow();
    before.setLastTransitionTime("2040-01-01T00:00:00Z");
    admin
        .nodes()
        .withName(NODE)
        .editStatus(
            node -> {
              node.getStatus().getConditions().removeIf(c -> c.getType().startsWith("Aliquot"));
              node.getStatus().getConditions().add(before);
              return node;
            });
    after(Duration.ofMinutes(7));
    assertThat(Instant.parse(condition().orElseThrow().getLastTransitionTime()))
        .isBeforeOrEqualTo(wall);
  }

  @Test
  void aBurstOfFaultsIsOneEventWithACountOnTheNodeAndOnTheBlamedPod() {
    addPod("ml", "train-0", NODE);
    start(TELL);
    PodName pod = new PodName("ml", "train-0");
    for (int i = 0; i < 50; i++) {
      faults.add(fault(10 + i, "31", "app", 2, pod));
    }
    after(Duration.ofSeconds(1));
    for (int i = 0; i < 50; i++) {
      faults.add(fault(100 + i, "31", "app", 1, pod));
      after(Duration.ofSeconds(1));
    }
    after(Duration.ofSeconds(15));
    for (String namespace : List.of("default", "ml")) {
      assertThat(events(namespace)).hasSize(1);
      Event event = events(namespace).getFirst();
      assertThat(event.getReason()).isEqualTo("GpuXid31");
      assertThat(event.getCount()).isEqualTo(150);
      assertThat(event.getMessage()).doesNotContain("\u001b");
    }
    assertThat(events("ml").getFirst().getInvolvedObject().getUid())
        .isEqualTo(admin.pods().inNamespace("ml").withName("train-0").get().getMetadata().getUid());
    assertThat(server.requests().stream().filter(each -> each.path().contains("/events")))
        .as("told once in 10 s")
        .hasSizeLessThan(40);
  }

  @Test
  void aPodThatIsGoneOrElsewhereOrCannotBeGetsNoEvent() {
    addPod("ml", "elsewhere", "other");
    start(TELL);
    faults.add(fault(2, "31", "app", 1, new PodName("ml", "gone")));
    faults.add(fault(3, "31", "app", 1, new PodName("ml", "elsewhere")));
    faults.add(fault(4, "31", "app", 1, new PodName("ml/../../kube-system", "x")));
    after(Duration.ofSeconds(2));
    assertThat(events("ml")).isEmpty();
    assertThat(events("default")).hasSize(1);
    assertThat(server.requests()).noneMatch(each -> each.path().contains("kube-system"));
    assertThat(agent.view().problem()).isEmpty();
  }

  @Test
  void faultsOfAnAgentBeforeThisOneAreNotToldAgain() {
    faults.add(fault(1, "31", "app", 5, null));
    start(TELL);
    after(Duration.ofSeconds(2));
    assertThat(events("default")).isEmpty();
    faults.set(0, fault(1, "31", "app", 7, null));
    after(Duration.ofSeconds(2));
    assertThat(events("default")).extracting(Event::getCount).containsExactly(2);
  }
}
