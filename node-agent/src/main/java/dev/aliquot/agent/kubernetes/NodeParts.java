package dev.aliquot.agent.kubernetes;

import dev.aliquot.health.node.Fleet;
import dev.aliquot.health.node.HyperPod;
import dev.aliquot.health.node.NodeCondition;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.api.model.TaintBuilder;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is ours in a Node, how it reads and how it is written. */
final class NodeParts {
  static final String HEALTH_LABEL = "aliquot.dev/gpu-health";
  static final String TAINT = "aliquot.dev/gpu-unhealthy";

  /** When HyperPod was last asked for a repair: kept on the node, for the agent may be new. */
  static final String ASKED = "aliquot.dev/hyperpod-asked";

  private NodeParts() {}

  /**
   * Our condition as it is.
   *
   * @param since when the status became what it is; the epoch where that cannot be read
   */
  record Shown(NodeCondition condition, Instant since) {}

  static Optional<Shown> condition(Node node) {
    return conditions(node).stream()
        .filter(each -> NodeCondition.TYPE.equals(each.getType()))
        .findFirst()
        .map(
            each ->
                new Shown(
                    new NodeCondition(
                        "True".equals(each.getStatus()),
                        Objects.requireNonNullElse(each.getReason(), ""),
                        Objects.requireNonNullElse(each.getMessage(), "")),
                    time(each.getLastTransitionTime())));
  }

  private static List<io.fabric8.kubernetes.api.model.NodeCondition> conditions(Node node) {
    return node.getStatus() == null ? List.of() : node.getStatus().getConditions();
  }

  private static Instant time(@Nullable String text) {
    try {
      return text == null ? Instant.EPOCH : Instant.parse(text);
    } catch (DateTimeParseException e) {
      return Instant.EPOCH;
    }
  }

  /** The status as of now: since when is kept where it has not changed, and is no time to come. */
  static Map<String, Object> statusPatch(
      NodeCondition condition, Optional<Shown> before, Instant now) {
    Instant since =
        before
            .filter(shown -> shown.condition().healthy() == condition.healthy())
            .map(Shown::since)
            .filter(time -> !time.isAfter(now) && time.isAfter(Instant.EPOCH))
            .orElse(now);
    return Map.of(
        "status",
        Map.of(
            "conditions",
            List.of(
                Map.of(
                    "type", NodeCondition.TYPE,
                    "status", condition.status(),
                    "reason", condition.reason(),
                    "message", condition.message(),
                    "lastHeartbeatTime", now.toString(),
                    "lastTransitionTime", since.toString()))));
  }

  static String label(Node node, String key) {
    Map<String, String> labels = node.getMetadata().getLabels();
    return labels == null ? "" : labels.getOrDefault(key, "");
  }

  static Instant askedAt(Node node) {
    Map<String, String> annotations = node.getMetadata().getAnnotations();
    return annotations == null ? Instant.EPOCH : time(annotations.get(ASKED));
  }

  static Map<String, Object> labelPatch(String key, String value) {
    return Map.of("metadata", Map.of("labels", Map.of(key, value)));
  }

  /** Only if the node is still the one that was looked at: HyperPod may have spoken since. */
  static Map<String, Object> repairPatch(Node node, String value, Instant now) {
    return Map.of(
        "metadata",
        Map.of(
            "resourceVersion", node.getMetadata().getResourceVersion(),
            "labels", Map.of(HyperPod.LABEL, value),
            "annotations", Map.of(ASKED, now.toString())));
  }

  static boolean isTainted(Node node) {
    return taints(node).stream().anyMatch(taint -> TAINT.equals(taint.getKey()));
  }

  private static List<Taint> taints(Node node) {
    return node.getSpec() == null ? List.of() : node.getSpec().getTaints();
  }

  /**
   * Taints are one list, which is replaced as a whole: only if nobody has changed the node since.
   */
  static Map<String, Object> taintPatch(Node node, boolean tainted) {
    List<Taint> taints = new ArrayList<>(taints(node));
    taints.removeIf(taint -> TAINT.equals(taint.getKey()));
    if (tainted) {
      taints.add(new TaintBuilder().withKey(TAINT).withEffect("NoSchedule").build());
    }
    Map<String, Object> patch = new LinkedHashMap<>();
    patch.put("metadata", Map.of("resourceVersion", node.getMetadata().getResourceVersion()));
    patch.put("spec", Map.of("taints", taints));
    return patch;
  }

  /** The nodes without one. */
  static Fleet others(List<Node> nodes, String self) {
    List<Node> others = nodes.stream().filter(node -> !isNamed(node, self)).toList();
    return new Fleet(others.size(), (int) others.stream().filter(NodeParts::isOut).count());
  }

  private static boolean isNamed(Node node, String name) {
    return node.getMetadata().getName().equals(name);
  }

  private static boolean isOut(Node node) {
    return isTainted(node)
        || HyperPod.isTaken(label(node, HyperPod.LABEL))
        || condition(node).filter(shown -> !shown.condition().healthy()).isPresent()
        || conditions(node).stream()
            .anyMatch(each -> "Ready".equals(each.getType()) && !"True".equals(each.getStatus()));
  }
}
