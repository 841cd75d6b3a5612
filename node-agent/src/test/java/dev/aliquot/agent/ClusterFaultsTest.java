package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.kubernetes.FakeApi;
import dev.aliquot.agent.kubernetes.KubernetesOptions;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.health.node.NodePolicy;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** From what the simulated driver says to what the cluster knows, by the real agent. */
class ClusterFaultsTest extends AgentFixture {
  private static final String MASTER = "kubernetes.master";
  private static final KubernetesOptions.Pace SOON =
      new KubernetesOptions.Pace(
          Duration.ofSeconds(1), Duration.ofMillis(100), Duration.ofMillis(500));
  private final FakeApi server = new FakeApi();
  private KubernetesClient admin;

  @BeforeEach
  void startWithCluster() throws Exception {
    admin = server.admin();
    admin
        .resource(
            new NodeBuilder()
                .withNewMetadata()
                .withName("test")
                .endMetadata()
                .withNewSpec()
                .endSpec()
                .withNewStatus()
                .endStatus()
                .build())
        .create();
    agent.close();
    System.setProperty(MASTER, server.url());
    options =
        options.withKubernetes(
            new KubernetesOptions(
                    KubernetesMode.ON,
                    new NodePolicy(false, true, Set.of()),
                    EvictionPolicy.EVICT,
                    20)
                .at(SOON));
    agent = Agent.start(options, InstantSource.system());
  }

  @Override
  @AfterEach
  void stopAgent() throws IOException {
    super.stopAgent();
    System.clearProperty(MASTER);
    admin.close();
    server.close();
  }

  private String status() {
    return admin.nodes().withName("test").get().getStatus().getConditions().stream()
        .filter(each -> each.getType().equals("AliquotGpuHealthy"))
        .map(NodeCondition::getStatus)
        .findFirst()
        .orElse("none");
  }

  @Test
  void aLostDeviceIsToldItsPodGoesAndItIsWellAgainLater() throws Exception {
    Eventually.soon(() -> assertThat(status()).isEqualTo("True"));
    admin
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace("ml")
                .withName("train-0")
                .endMetadata()
                .withNewSpec()
                .withNodeName("test")
                .endSpec()
                .build())
        .create();
    agent.createTenant(
        new TenantSpec("t", "ml", "train-0", "main", List.of("0"), GIB, null, 0), peer(ownPid()));
    simulate("lost", "--device", "0", "--lost", "1");
    Eventually.soon(() -> assertThat(status()).isEqualTo("False"));
    Eventually.soon(
        () -> assertThat(admin.pods().inNamespace("ml").withName("train-0").get()).isNull());
    Eventually.soon(
        () ->
            assertThat(admin.v1().events().inNamespace("default").list().getItems())
                .extracting(Event::getReason)
                .contains("GpuLost", "GpuXid79"));
    simulate("lost", "--device", "0", "--lost", "0");
    Eventually.soon(() -> assertThat(status()).isEqualTo("True"));
    Eventually.soon(
        () -> {
          KubernetesView view = agent.view().health().kubernetes();
          assertThat(view.pending()).isZero();
          assertThat(view.problem()).isEmpty();
        });
  }

  @Test
  void aDeviceThatIsExpectedAndNotThereIsTold() throws Exception {
    agent.close();
    options =
        options.withHealth(
            HealthOptions.DEFAULTS.withHold(Duration.ofSeconds(1)).withExpectedDevices(3));
    agent = Agent.start(options, InstantSource.system());
    Eventually.soon(() -> assertThat(status()).isEqualTo("False"));
    assertThat(admin.nodes().withName("test").get().getStatus().getConditions())
        .extracting(NodeCondition::getMessage)
        .anyMatch(text -> text.startsWith("1 of 3 GPUs take no tenants: GPU 2 (missing) lost"));
  }
}
