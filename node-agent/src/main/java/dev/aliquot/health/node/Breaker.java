package dev.aliquot.health.node;

import java.util.Optional;

/**
 * Says whether a node may be taken out by what its agent found, so that a wrong table or a wrong
 * driver never takes out the fleet.
 *
 * <p>At most a share of the nodes may be out, at least one. Who asks must have told the cluster
 * that its own node is out before it looked at the others: of any nodes that fail together the last
 * to tell then sees all, so that never more act than may, without a lock.
 */
public final class Breaker {
  private final double percent;

  /**
   * @param percent of the nodes that may be out at once
   */
  public Breaker(double percent) {
    this.percent = percent;
  }

  /** How many of so many nodes may be out at once. */
  int most(int nodes) {
    return Math.max(1, (int) Math.floor(nodes * percent / 100));
  }

  /** Why this node may not be taken out; empty: it may. */
  public Optional<String> refusal(Fleet fleet) {
    int most = most(fleet.nodes());
    if (fleet.out() < most) {
      return Optional.empty();
    }
    return Optional.of(
        fleet.out()
            + " of "
            + fleet.nodes()
            + " nodes with GPUs are out beside this one, and health-breaker allows "
            + most
            + " at once: nothing is done here until there are fewer, or a person does it");
  }
}
