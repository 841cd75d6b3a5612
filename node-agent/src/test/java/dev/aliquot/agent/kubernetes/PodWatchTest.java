package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against an API server over a real socket. */
class PodWatchTest {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final String NODE = "worker-7";
  private static final String MEMORY = "aliquot.dev/gpu-memory";

  private final FakeApi server = new FakeApi();
  private final List<String> changed = new CopyOnWriteArrayList<>();
  private KubernetesClient admin;
  private PodWatch watch;

  @BeforeEach
  void connect() {
    admin = server.admin();
  }

  @AfterEach
  void close() {
    if (watch != null) {
      watch.close();
    }
    admin.close();
    server.close();
  }

  private void begin() {
    watch =
        PodWatch.start(
            () ->
                NodeApi.open(
                    server.config(), NODE, new ApiClock(InstantSource.system(), System::nanoTime)),
            "aliquot.dev",
            InstantSource.system());
    watch.whenChanged((namespace, pod) -> changed.add(namespace + "/" + pod));
  }

  private void known() {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
  }

  private Pod pod(String name, String node, Map<String, String> annotations) {
    return admin
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace("ml")
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withNodeName(node)
                .endSpec()
                .build())
        .create();
  }

  private void annotate(String name, Map<String, String> annotations) {
    admin
        .pods()
        .inNamespace("ml")
        .withName(name)
        .edit(
            pod ->
                new PodBuilder(pod)
                    .editMetadata()
                    .withAnnotations(annotations)
                    .endMetadata()
                    .build());
  }

  @Test
  void podsThatAreThereAndThoseThatComeAreKnownWithWhatCounts() {
    Pod first = pod("first", NODE, Map.of(MEMORY, "5GiB", "other/name", "x", "gpu-fraction", "1"));
    pod("elsewhere", "other", Map.of(MEMORY, "5GiB"));
    begin();
    known();
    String uid = first.getMetadata().getUid();
    assertThat(watch.annotations("ml", "first", uid, PATIENCE))
        .contains(Map.of(MEMORY, "5GiB", "gpu-fraction", "1"));
    assertThat(watch.annotations("ml", "first", "", PATIENCE).orElseThrow()).hasSize(2);
    assertThat(watch.annotations("ml", "first", "another-uid", PATIENCE)).isEmpty();
    assertThat(watch.annotations("ml", "elsewhere", "", PATIENCE)).isEmpty();

    pod("late", NODE, Map.of(MEMORY, "1GiB"));
    Eventually.soon(
        () ->
            assertThat(watch.annotations("ml", "late", "", PATIENCE).orElseThrow())
                .containsEntry(MEMORY, "1GiB"));
    annotate("late", Map.of(MEMORY, "2GiB"));
    Eventually.soon(
        () ->
            assertThat(watch.annotations("ml", "late", "", PATIENCE).orElseThrow())
                .containsEntry(MEMORY, "2GiB"));
    assertThat(changed).containsExactly("ml/first", "ml/late", "ml/late");
    admin.pods().inNamespace("ml").withName("late").delete();
    Eventually.soon(() -> assertThat(watch.annotations("ml", "late", "", PATIENCE)).isEmpty());
  }

  @Test
  void aStaticPodIsKnownByTheUidThatTheKubeletGaveIt() {
    pod(
        "static",
        NODE,
        Map.of(
            "kubernetes.io/config.hash",
            "0123abcd",
            "kubernetes.io/config.mirror",
            "0123abcd",
            MEMORY,
            "5GiB"));
    begin();
    known();
    assertThat(watch.annotations("ml", "static", "0123abcd", PATIENCE).orElseThrow())
        .containsEntry(MEMORY, "5GiB");
  }

  @Test
  void aServerThatIsAwayKeepsNobodyWaitingAndIsFollowedWhenItIsBack() {
    server.away = true;
    begin();
    Eventually.soon(() -> assertThat(watch.problem()).contains("cannot be read"));
    assertThat(watch.annotations("ml", "first", "", PATIENCE)).isEmpty();
    server.away = false;
    pod("first", NODE, Map.of(MEMORY, "5GiB"));
    known();
    Eventually.soon(
        () -> assertThat(watch.annotations("ml", "first", "", PATIENCE).orElseThrow()).hasSize(1));
    assertThat(changed).contains("ml/first");
  }

  @Test
  void complaintsAreEventsOfThePodCountedUp() {
    pod("first", NODE, Map.of(MEMORY, "lots"));
    begin();
    known();
    for (int i = 0; i < 3; i++) {
      watch.complain("ml", "first", List.of("it is 'lots'", "and a\nsecond"));
    }
    watch.complain("ml", "nobody", List.of("is not there"));
    Eventually.soon(
        () -> {
          List<Event> events = admin.v1().events().inNamespace("ml").list().getItems();
          assertThat(events).hasSize(1);
          assertThat(events.getFirst().getMessage()).isEqualTo("it is 'lots'; and a?second");
          assertThat(events.getFirst().getReason()).isEqualTo("GpuAnnotations");
          assertThat(events.getFirst().getInvolvedObject().getName()).isEqualTo("first");
          assertThat(events.getFirst().getType()).isEqualTo("Warning");
        });
  }

  @Test
  void everyRequestIsAllowed() throws Exception {
    Set<String> allowed = new TreeSet<>();
    try (InputStream in = Files.newInputStream(Path.of("../daemonset/manifests/rbac-pods.yaml"))) {
      for (HasMetadata each : admin.load(in).items()) {
        if (each instanceof ClusterRole role) {
          role.getRules()
              .forEach(
                  rule ->
                      rule.getVerbs()
                          .forEach(
                              verb -> allowed.add(verb + " " + rule.getResources().getFirst())));
        }
      }
    }
    pod("first", NODE, Map.of(MEMORY, "lots"));
    begin();
    known();
    server.forget();
    watch.complain("ml", "first", List.of("once"));
    Eventually.soon(() -> assertThat(server.changes()).hasSize(1));
    Set<String> used = new TreeSet<>();
    server
        .requests()
        .forEach(
            request ->
                used.add(
                    switch (request.method()) {
                          case "POST" -> "create ";
                          case "PATCH" -> "patch ";
                          default -> "get ";
                        }
                        + request.path().replaceFirst("/api/v1/namespaces/ml/([a-z]+).*", "$1")));
    assertThat(used).containsExactlyInAnyOrder("get pods", "get events", "create events");
    assertThat(allowed)
        .containsAll(used)
        .containsExactlyInAnyOrder(
            "get pods", "list pods", "watch pods", "get events", "create events", "patch events");
  }
}
