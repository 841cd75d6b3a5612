package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.health.node.Breaker;
import dev.aliquot.health.node.Fleet;
import dev.aliquot.health.node.HyperPod;
import dev.aliquot.health.node.NodeWish;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done about a node that is out, once the cluster has been told: taint, a repair by
 * HyperPod, pods moved away. All of it only as far as the {@link Breaker} allows. Not thread-safe.
 */
final class NodeActs {
  private static final Logger LOG = LoggerFactory.getLogger(NodeActs.class);

  /** A node that HyperPod has repaired in vain is not repaired again and again. */
  static final Duration REPAIR_PAUSE = Duration.ofHours(6);

  /** How long a refusal counts at least. */
  private static final Duration LEAST_LOOK = Duration.ofSeconds(30);

  /** Longer where there are many nodes: all that are out look at all there are. */
  private static final Duration LOOK_FOR_EACH = Duration.ofMillis(500);

  private final KubernetesOptions options;
  private final NodeApi api;
  private final Function<String, Set<PodName>> pods;
  private final ApiClock clock;
  private final Notices notices;
  private final Changes changes;
  private final Breaker breaker;
  private final LongSupplier nanos;
  private boolean permitted;
  private long lookNanos;
  private String refusal = "";

  /**
   * @param pods which had something on a device, by UUID
   */
  NodeActs(
      KubernetesOptions options,
      NodeApi api,
      Function<String, Set<PodName>> pods,
      ApiClock clock,
      Notices notices,
      Changes changes,
      LongSupplier nanos) {
    this.options = options;
    this.api = api;
    this.pods = pods;
    this.clock = clock;
    this.notices = notices;
    this.changes = changes;
    this.nanos = nanos;
    this.breaker = new Breaker(options.breakerPercent());
  }

  /** Why the breaker holds, a sentence; empty where it does not. */
  String refusal() {
    return refusal;
  }

  /**
   * Does what is wanted and not done yet, and takes back what is not wanted any more.
   *
   * @param node as it is, with what it has been told
   */
  void act(Node node, NodeWish wish) {
    boolean may = mayAct(node, wish);
    Node latest = taint(node, wish, may);
    boolean isTaken = HyperPod.isTaken(NodeParts.label(node, HyperPod.LABEL));
    if (!wish.repair().isEmpty() && !isTaken && may) {
      askForRepair(latest, wish.repair());
    }
    if (may) {
      wish.lost().forEach(this::moveAway);
    }
  }

  private Node taint(Node node, NodeWish wish, boolean may) {
    boolean tainted = NodeParts.isTainted(node);
    if (tainted == wish.taint() || (wish.taint() && !may)) {
      return node;
    }
    String what =
        wish.taint()
            ? "taint the node " + NodeParts.TAINT + ":NoSchedule"
            : "take the taint " + NodeParts.TAINT + " off the node";
    return changes
        .make(what, () -> api.patch(NodeParts.taintPatch(node, wish.taint())))
        .orElse(node);
  }

  /** What the breaker has allowed is allowed as long as it is wanted. */
  private boolean mayAct(Node node, NodeWish wish) {
    if (!wish.isDrastic()) {
      permitted = false;
      refusal = "";
      return false;
    }
    permitted |=
        NodeParts.isTainted(node) || HyperPod.isTaken(NodeParts.label(node, HyperPod.LABEL));
    if (permitted) {
      refusal = "";
    } else if (!refusal.isEmpty() && nanos.getAsLong() - lookNanos < 0) {
      changes.postpone(refusal);
    } else if (hasTold(node)) {
      changes
          .ask("list the nodes", () -> Optional.of(api.fleet(NodeParts.HEALTH_LABEL)))
          .ifPresent(this::askBreaker);
    } else {
      changes.postpone("the cluster has to know that the node is out before it is taken out");
    }
    return permitted;
  }

  private void askBreaker(Fleet fleet) {
    String why = breaker.refusal(fleet).orElse("");
    Duration pause = LOOK_FOR_EACH.multipliedBy(fleet.nodes());
    lookNanos =
        nanos.getAsLong() + (pause.compareTo(LEAST_LOOK) > 0 ? pause : LEAST_LOOK).toNanos();
    if (!why.isEmpty()) {
      changes.postpone(why);
      if (refusal.isEmpty()) {
        LOG.error("the breaker holds: {}", why);
        notices.add(Notice.grave("GpuBreakerOpen", "The breaker holds: " + why), 1, clock.now());
      }
    }
    refusal = why;
    permitted = why.isEmpty();
  }

  /** Whether every other node that asks from now on sees that this one is out. */
  private boolean hasTold(Node node) {
    return changes.isDryRun()
        || (NodeParts.condition(node).filter(shown -> !shown.condition().healthy()).isPresent()
            && !NodeParts.label(node, NodeParts.HEALTH_LABEL).isEmpty());
  }

  private void askForRepair(Node node, String value) {
    Instant now = clock.now();
    Instant asked = NodeParts.askedAt(node);
    if (Duration.between(asked, now).abs().compareTo(REPAIR_PAUSE) < 0) {
      changes.postpone(
          "HyperPod was asked to repair the node at "
              + asked
              + ", and is not asked again before "
              + asked.plus(REPAIR_PAUSE));
      return;
    }
    Optional<Node> _ =
        changes.make(
            "ask HyperPod for a repair by " + HyperPod.LABEL + "=" + value,
            () -> api.patch(NodeParts.repairPatch(node, value, now)));
  }

  private void moveAway(String device) {
    for (PodName name : pods.apply(device)) {
      if (name.isPossible()) {
        changes
            .ask("look at pod " + name, () -> api.pod(name))
            .filter(this::isHereAndRuns)
            .ifPresent(pod -> moveAway(name, pod, device));
      }
    }
  }

  private void moveAway(PodName name, Pod pod, String device) {
    boolean evict = options.eviction() == EvictionPolicy.EVICT;
    Optional<Boolean> goes =
        changes.make(
            (evict ? "evict" : "delete") + " pod " + name + ", whose GPU " + device + " is lost",
            () -> evict ? api.evict(pod) : api.delete(pod));
    if (goes.isPresent() && !goes.get()) {
      changes.postpone("pod " + name + " does not go now: its disruption budget forbids it");
    } else if (goes.isPresent()) {
      notices.add(
          Notice.grave("GpuLost", "What it had on GPU " + device + " is lost.").of(name),
          1,
          clock.now());
    }
  }

  private boolean isHereAndRuns(Pod pod) {
    String phase = pod.getStatus() == null ? "" : pod.getStatus().getPhase();
    return EventWriter.isOn(pod, api.nodeName())
        && pod.getMetadata().getDeletionTimestamp() == null
        && !"Succeeded".equals(phase)
        && !"Failed".equals(phase);
  }
}
