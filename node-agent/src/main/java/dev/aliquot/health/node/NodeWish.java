package dev.aliquot.health.node;

import java.util.Set;

/**
 * How the cluster should see the node, and what should be done.
 *
 * @param taint whether the node should take no new pods
 * @param repair what HyperPod's label should be; empty: as it is
 * @param lost UUIDs of the devices whose pods should go
 */
public record NodeWish(
    Grade grade, NodeCondition condition, boolean taint, String repair, Set<String> lost) {

  /** Copies the set. */
  public NodeWish {
    lost = Set.copyOf(lost);
  }

  /** Whether anything is wanted that the {@link Breaker} has a word in. */
  public boolean isDrastic() {
    return taint || !repair.isEmpty() || !lost.isEmpty();
  }
}
