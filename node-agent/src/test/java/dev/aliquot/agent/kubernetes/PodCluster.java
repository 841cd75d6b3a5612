package dev.aliquot.agent.kubernetes;

import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;

/** An API server with pods, over a real socket, for tests outside of this package. */
public final class PodCluster implements AutoCloseable {
  private static final String NODE = "test";

  private final FakeApi server = new FakeApi();
  private final KubernetesClient admin = server.admin();

  /** A watch of its pods, for whoever closes it. */
  public PodWatch watch() {
    return PodWatch.start(
        () ->
            NodeApi.open(
                server.config(), NODE, new ApiClock(InstantSource.system(), System::nanoTime)),
        "aliquot.dev",
        InstantSource.system());
  }

  /** Whether it answers 503 to everything. */
  public void away(boolean is) {
    server.away = is;
  }

  /** A pod of this node; the server gives it a uid, which is answered. */
  public String add(String namespace, String name, Map<String, String> annotations) {
    return admin
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(namespace)
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withNodeName(NODE)
                .endSpec()
                .build())
        .create()
        .getMetadata()
        .getUid();
  }

  /** Gives a pod other annotations. */
  public void annotate(String namespace, String name, Map<String, String> annotations) {
    admin
        .pods()
        .inNamespace(namespace)
        .withName(name)
        .edit(
            pod ->
                new PodBuilder(pod)
                    .editMetadata()
                    .withAnnotations(annotations)
                    .endMetadata()
                    .build());
  }

  /** What Events of pods in a namespace say. */
  public List<String> events(String namespace) {
    return admin.v1().events().inNamespace(namespace).list().getItems().stream()
        .map(event -> event.getInvolvedObject().getName() + ": " + event.getMessage())
        .toList();
  }

  @Override
  public void close() {
    admin.close();
    server.close();
  }
}
