package dev.aliquot.agent.kubernetes;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Writes notices as Events: one for each subject, whose count grows. */
final class EventWriter {
  /** Where everybody looks for Events of what has no namespace. */
  private static final String NODES = "default";

  private static final String COMPONENT = "aliquot";

  private final NodeApi api;

  EventWriter(NodeApi api) {
    this.api = api;
  }

  /** Answers it; empty where it is of a pod that is gone, or another node's: nobody is told. */
  Optional<Event> write(Notices.Waiting waiting, Node node) {
    Optional<PodName> pod = waiting.notice().pod();
    return pod.isEmpty()
        ? Optional.of(write(waiting, reference("Node", node), NODES))
        : write(waiting, pod.get());
  }

  /** The same of a pod's alone. */
  Optional<Event> write(Notices.Waiting waiting, PodName pod) {
    return api.pod(pod)
        .filter(each -> isOn(each, api.nodeName()))
        .map(each -> write(waiting, reference("Pod", each), pod.namespace()));
  }

  static boolean isOn(Pod pod, String node) {
    return pod.getSpec() != null && node.equals(pod.getSpec().getNodeName());
  }

  private Event write(Notices.Waiting waiting, ObjectReference about, String namespace) {
    Notice notice = waiting.notice();
    String name = notice.subject().eventName(api.nodeName());
    Optional<Event> before = api.event(namespace, name);
    if (before.isPresent()) {
      long count = Objects.requireNonNullElse(before.get().getCount(), 0) + waiting.count();
      return api.patchEvent(
          namespace,
          name,
          Map.of(
              "count", bounded(count),
              "lastTimestamp", waiting.last().toString(),
              "message", notice.message(),
              "involvedObject", Map.of("uid", about.getUid())));
    }
    return api.create(
        new EventBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(namespace)
            .endMetadata()
            .withInvolvedObject(about)
            .withReason(notice.reason())
            .withMessage(notice.message())
            .withType(notice.warning() ? "Warning" : "Normal")
            .withCount(bounded(waiting.count()))
            .withFirstTimestamp(waiting.first().toString())
            .withLastTimestamp(waiting.last().toString())
            .withNewSource()
            .withComponent(COMPONENT)
            .withHost(api.nodeName())
            .endSource()
            .withReportingComponent(COMPONENT)
            .withReportingInstance(api.nodeName())
            .build());
  }

  private static int bounded(long count) {
    return (int) Math.min(Integer.MAX_VALUE, count);
  }

  private static ObjectReference reference(String kind, HasMetadata object) {
    return new ObjectReferenceBuilder()
        .withApiVersion("v1")
        .withKind(kind)
        .withName(object.getMetadata().getName())
        .withNamespace(object.getMetadata().getNamespace())
        .withUid(object.getMetadata().getUid())
        .build();
  }
}
