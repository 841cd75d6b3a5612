package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.node.HyperPod;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Taint;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What is done about a node that is out, and what keeps it from being done. */
class NodeActsTest extends ClusterFixture {
  private static final String REPLACE = "UnschedulablePendingReplacement";

  private void bothAre(DeviceState state, boolean replace, boolean drill) {
    stands(0, state, replace, drill);
    stands(1, state, replace, drill);
  }

  private void hyperPodSays(String value) {
    admin
        .nodes()
        .withName(NODE)
        .edit(
            node -> {
              node.getMetadata().getLabels().put(HyperPod.LABEL, value);
              return node;
            });
  }

  @Test
  void aNodeWithoutADeviceThatTakesTenantsIsTaintedAndLaterNot() {
    admin
        .nodes()
        .withName(NODE)
        .edit(
            node -> {
              node.getSpec().getTaints().add(new Taint("NoExecute", "theirs", null, "x"));
              return node;
            });
    start(ALL);
    stands(0, DeviceState.NEEDS_RESET);
    after(Duration.ofSeconds(30));
    assertThat(isTainted()).as("one takes tenants").isFalse();
    stands(1, DeviceState.NEEDS_RESET);
    after(Duration.ofSeconds(30));
    assertThat(isTainted()).isTrue();
    bothAre(DeviceState.HEALTHY, false, false);
    after(Duration.ofSeconds(30));
    assertThat(isTainted()).isFalse();
    assertThat(node().getSpec().getTaints()).extracting(Taint::getKey).containsExactly("theirs");
  }

  @Test
  void withoutHavingBeenToldToNothingIsDone() {
    pods.add(new PodName("ml", "train-0"));
    addPod("ml", "train-0", NODE);
    start(TELL);
    bothAre(DeviceState.LOST, true, false);
    after(Duration.ofMinutes(1));
    assertThat(status()).isEqualTo("False");
    assertThat(isTainted()).isFalse();
    assertThat(label(HyperPod.LABEL)).isEmpty();
    assertThat(exists("ml", "train-0")).isTrue();
  }

  @Test
  void hyperPodIsAskedOnceAndItsAnswerIsNotChangedButTold() {
    start(ALL);
    stands(0, DeviceState.LOST, true, false);
    after(Duration.ofSeconds(30));
    assertThat(label(HyperPod.LABEL)).isEqualTo(REPLACE);
    hyperPodSays("UnschedulablePendingReboot");
    after(Duration.ofMinutes(3));
    assertThat(label(HyperPod.LABEL)).isEqualTo("UnschedulablePendingReboot");
    assertThat(agent.view().hyperPod()).isEqualTo("UnschedulablePendingReboot");
    assertThat(condition().orElseThrow().getMessage())
        .endsWith("HyperPod says UnschedulablePendingReboot.");
    hyperPodSays("Schedulable");
    after(Duration.ofHours(1));
    assertThat(label(HyperPod.LABEL)).as("no loop of repairs").isEqualTo("Schedulable");
    assertThat(agent.view().problem()).contains("not asked again before");
    after(Duration.ofHours(6));
    assertThat(label(HyperPod.LABEL)).isEqualTo(REPLACE);
  }

  @Test
  void podsOfALostDeviceAreEvictedAsTheirBudgetsAllow() {
    pods.add(new PodName("ml", "train-0"));
    pods.add(new PodName("ml", "elsewhere"));
    addPod("ml", "train-0", NODE);
    addPod("ml", "elsewhere", "other");
    addPod("ml", "bystander", NODE);
    server.budget = false;
    start(ALL);
    stands(0, DeviceState.LOST);
    after(Duration.ofSeconds(30));
    assertThat(exists("ml", "train-0")).isTrue();
    assertThat(agent.view().problem()).contains("disruption budget");
    server.budget = true;
    after(NodeReconciler.LAST_RETRY);
    assertThat(exists("ml", "train-0")).isFalse();
    assertThat(exists("ml", "elsewhere")).isTrue();
    assertThat(exists("ml", "bystander")).isTrue();
    after(NodeReconciler.LAST_RETRY);
    assertThat(agent.view().problem()).isEmpty();
  }

  @Test
  void podsAreDeletedWhereThatIsThePolicy() {
    pods.add(new PodName("ml", "train-0"));
    addPod("ml", "train-0", NODE);
    server.budget = false;
    start(
        new KubernetesOptions(
            KubernetesMode.ON, ALL.policy(), EvictionPolicy.DELETE, ALL.breakerPercent()));
    stands(0, DeviceState.LOST);
    after(Duration.ofSeconds(30));
    assertThat(exists("ml", "train-0")).isFalse();
  }

  @Test
  void whenHalfTheFleetFailsTheBreakerHoldsAndSaysSo() {
    for (int i = 0; i < 10; i++) {
      addPeer("peer-" + i, i % 2 == 0);
    }
    pods.add(new PodName("ml", "train-0"));
    addPod("ml", "train-0", NODE);
    start(ALL);
    bothAre(DeviceState.LOST, true, false);
    after(Duration.ofMinutes(5));
    assertThat(isTainted()).isFalse();
    assertThat(label(HyperPod.LABEL)).isEmpty();
    assertThat(exists("ml", "train-0")).isTrue();
    assertThat(status()).as("it is told all the same").isEqualTo("False");
    assertThat(agent.view().breaker()).startsWith("5 of 11 nodes");
    assertThat(events("default")).extracting(Event::getReason).contains("GpuBreakerOpen");
    for (int i = 1; i < 10; i += 2) {
      admin.nodes().withName("peer-" + i).delete();
    }
    after(NodeReconciler.LAST_RETRY);
    assertThat(isTainted()).isTrue();
    assertThat(agent.view().breaker()).isEmpty();
  }

  @Test
  void whatIsForbiddenIsNotTakenForPermission() {
    server.forbidden = "/api/v1/nodes";
    start(ALL);
    bothAre(DeviceState.LOST, true, false);
    after(Duration.ofMinutes(1));
    assertThat(isTainted()).isFalse();
    assertThat(label(HyperPod.LABEL)).isEmpty();
    assertThat(agent.view().problem()).contains("could not list the nodes");
  }

  @Test
  void aNodeThatCouldNotTellThatItIsOutIsNotTakenOut() {
    server.forbidden = "/status";
    start(ALL);
    bothAre(DeviceState.LOST, true, false);
    after(Duration.ofMinutes(1));
    assertThat(isTainted()).isFalse();
    assertThat(label(HyperPod.LABEL)).isEmpty();
  }

  @Test
  void aDrillIsToldAndNothingIsDone() {
    pods.add(new PodName("ml", "train-0"));
    addPod("ml", "train-0", NODE);
    start(ALL);
    bothAre(DeviceState.LOST, true, true);
    after(Duration.ofMinutes(1));
    assertThat(status()).isEqualTo("False");
    assertThat(isTainted()).isFalse();
    assertThat(label(HyperPod.LABEL)).isEmpty();
    assertThat(exists("ml", "train-0")).isTrue();
  }

  @Test
  void aDryRunSaysEverythingAndSendsNothing() {
    pods.add(new PodName("ml", "train-0"));
    addPod("ml", "train-0", NODE);
    faults.clear();
    start(
        new KubernetesOptions(
            KubernetesMode.DRY_RUN, ALL.policy(), ALL.eviction(), ALL.breakerPercent()));
    bothAre(DeviceState.LOST, true, false);
    faults.add(fault(2, "79", "replace", 1, new PodName("ml", "train-0")));
    after(Duration.ofMinutes(10));
    assertThat(server.requests()).isNotEmpty();
    assertThat(server.changes()).isEmpty();
    assertThat(String.join("\n", agent.view().wouldDo()))
        .contains("set the condition AliquotGpuHealthy=False (GpuLost)")
        .contains("label the node aliquot.dev/gpu-health=unhealthy")
        .contains("taint the node aliquot.dev/gpu-unhealthy:NoSchedule")
        .contains("ask HyperPod for a repair by " + HyperPod.LABEL + "=" + REPLACE)
        .contains("evict pod ml/train-0");
  }
}
