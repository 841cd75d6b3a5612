package dev.aliquot.agent.kubernetes;

import dev.aliquot.health.node.Fleet;
import io.fabric8.kubernetes.api.model.DeleteOptionsBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeList;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.PreconditionsBuilder;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.http.Interceptor;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Every request that is made of the API server; {@code daemonset/chart} allows these and no others.
 * Each waits for its answer, {@link #PATIENCE} at most, and is not repeated here.
 */
final class NodeApi implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Nodes are large: no more of them at once than fit a small heap. */
  private static final long PAGE = 50;

  private static final String ON_NODE = "spec.nodeName";

  /** A watch of which nothing is heard for longer is not trusted. */
  private static final Duration WATCH = Duration.ofMinutes(5);

  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  /** Conditions are merged by their types, so that nobody else's is touched. */
  private static final PatchContext STRATEGIC = PatchContext.of(PatchType.STRATEGIC_MERGE);

  private final KubernetesClient client;
  private final String node;

  private NodeApi(KubernetesClient client, String node) {
    this.client = client;
    this.node = node;
  }

  /** To the cluster that this process's service account or kubeconfig is of; says nothing yet. */
  static NodeApi open(String node, ApiClock clock) {
    return open(Config.autoConfigure(null), node, clock);
  }

  static NodeApi open(Config cluster, String node, ApiClock clock) {
    cluster.setConnectionTimeout((int) PATIENCE.toMillis());
    cluster.setRequestTimeout((int) PATIENCE.toMillis());
    cluster.setRequestRetryBackoffLimit(0);
    // whoever watches looks at all of it again instead
    cluster.setWatchReconnectLimit(0);
    KubernetesClient client =
        new KubernetesClientBuilder()
            .withConfig(cluster)
            .withHttpClientBuilderConsumer(
                builder -> builder.addOrReplaceInterceptor("aliquot-clock", new Listening(clock)))
            .build();
    return new NodeApi(client, node);
  }

  private record Listening(ApiClock clock) implements Interceptor {
    @Override
    public void after(
        HttpRequest request,
        HttpResponse<?> response,
        AsyncBody.Consumer<List<ByteBuffer>> consumer) {
      List<String> dates = response.headers("Date");
      if (!dates.isEmpty()) {
        clock.hear(dates.getFirst());
      }
    }
  }

  String nodeName() {
    return node;
  }

  Optional<Node> node() {
    return Optional.ofNullable(client.nodes().withName(node).get());
  }

  Node patchStatus(Map<String, Object> patch) {
    return client
        .nodes()
        .withName(node)
        .subresource("status")
        .patch(STRATEGIC, client.getKubernetesSerialization().asJson(patch));
  }

  /** Refused where the node has changed since the version that the patch names, if it names one. */
  Node patch(Map<String, Object> patch) {
    return client
        .nodes()
        .withName(node)
        .patch(MERGE, client.getKubernetesSerialization().asJson(patch));
  }

  /** Counts the nodes that have a label, as they are now, not out of a cache; this one counts. */
  Fleet fleet(String label) {
    Fleet fleet = new Fleet(1, 0);
    String more = null;
    do {
      NodeList page =
          client
              .nodes()
              .withLabel(label)
              .list(new ListOptionsBuilder().withLimit(PAGE).withContinue(more).build());
      fleet = fleet.and(NodeParts.others(page.getItems(), node));
      more = page.getMetadata() == null ? null : page.getMetadata().getContinue();
    } while (more != null && !more.isEmpty());
    return fleet;
  }

  Optional<Event> event(String namespace, String name) {
    return Optional.ofNullable(client.v1().events().inNamespace(namespace).withName(name).get());
  }

  Event create(Event event) {
    return client
        .v1()
        .events()
        .inNamespace(event.getMetadata().getNamespace())
        .resource(event)
        .create();
  }

  Event patchEvent(String namespace, String name, Map<String, Object> patch) {
    return client
        .v1()
        .events()
        .inNamespace(namespace)
        .withName(name)
        .patch(MERGE, client.getKubernetesSerialization().asJson(patch));
  }

  Optional<Pod> pod(PodName pod) {
    return Optional.ofNullable(
        client.pods().inNamespace(pod.namespace()).withName(pod.name()).get());
  }

  /** Some of the node's pods; the answer says where the next are, if there are more. */
  PodList pods(@Nullable String more) {
    return client
        .pods()
        .inAnyNamespace()
        .withField(ON_NODE, node)
        .list(new ListOptionsBuilder().withLimit(PAGE).withContinue(more).build());
  }

  /**
   * Watches the node's pods from a version of them on, until it is closed or the server ends it.
   */
  Watch watchPods(String version, Watcher<Pod> watcher) {
    return client
        .pods()
        .inAnyNamespace()
        .withField(ON_NODE, node)
        .watch(
            new ListOptionsBuilder()
                .withResourceVersion(version)
                .withTimeoutSeconds(WATCH.toSeconds())
                .build(),
            watcher);
  }

  /** Whether it goes; false where its disruption budget does not allow it now. */
  boolean evict(Pod pod) {
    return client
        .pods()
        .inNamespace(pod.getMetadata().getNamespace())
        .withName(pod.getMetadata().getName())
        .evict(
            new EvictionBuilder()
                .withNewMetadata()
                .withName(pod.getMetadata().getName())
                .withNamespace(pod.getMetadata().getNamespace())
                .endMetadata()
                .withDeleteOptions(
                    new DeleteOptionsBuilder()
                        .withPreconditions(
                            new PreconditionsBuilder().withUid(pod.getMetadata().getUid()).build())
                        .build())
                .build());
  }

  /** Refused where the pod has changed, so that no namesake is deleted; whether it goes. */
  boolean delete(Pod pod) {
    return !client
        .pods()
        .inNamespace(pod.getMetadata().getNamespace())
        .resource(pod)
        .lockResourceVersion()
        .delete()
        .isEmpty();
  }

  @Override
  public void close() {
    client.close();
  }
}
