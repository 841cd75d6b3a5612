package dev.aliquot.agent.view;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What those who watch the node are told.
 *
 * @param at when it was like this
 * @param node the whole node
 * @param point the latest one of the history; null where there is none yet
 */
public record LiveView(Instant at, NodeView node, HistoryView.@Nullable Point point) {
  /** Whether there is nothing new for a person in the other: the time alone is nothing new. */
  public boolean sameAs(LiveView other) {
    boolean samePoint =
        point == null
            ? other.point == null
            : other.point != null && point.slot() == other.point.slot();
    return samePoint && untimed(node).equals(untimed(other.node));
  }

  private static NodeView untimed(NodeView node) {
    return new NodeView(
        node.node(),
        node.version(),
        node.driverVersion(),
        node.cudaVersion(),
        node.simulated(),
        node.started(),
        Instant.EPOCH,
        node.ready(),
        node.readyReason(),
        node.devices(),
        node.tenants(),
        node.events(),
        node.hostPool(),
        node.health(),
        node.kubelet() == null ? null : node.kubelet().uncounted());
  }
}
