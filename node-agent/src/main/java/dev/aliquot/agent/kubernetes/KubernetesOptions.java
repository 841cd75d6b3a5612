package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.health.node.NodePolicy;
import java.time.Duration;

/**
 * What the cluster is told and asked.
 *
 * @param policy what may be asked for
 * @param eviction how pods are moved away from devices that are lost
 * @param breakerPercent of the nodes that may be out at once
 * @param pace how often it is looked and told
 */
public record KubernetesOptions(
    KubernetesMode mode,
    NodePolicy policy,
    EvictionPolicy eviction,
    double breakerPercent,
    Pace pace) {
  public static final KubernetesOptions OFF =
      new KubernetesOptions(KubernetesMode.OFF, NodePolicy.NONE, EvictionPolicy.NONE, 20);

  /**
   * How often it is looked and told.
   *
   * @param begin until the first look: every device has been asked by then, so that nobody is told
   *     that one is well that was not asked
   * @param period between two looks
   * @param damping what the cluster sees changes at most once in this time
   */
  public record Pace(Duration begin, Duration period, Duration damping) {
    public static final Pace DEFAULT =
        new Pace(Duration.ofSeconds(5), Duration.ofSeconds(1), Duration.ofSeconds(10));
  }

  public KubernetesOptions(
      KubernetesMode mode, NodePolicy policy, EvictionPolicy eviction, double breakerPercent) {
    this(mode, policy, eviction, breakerPercent, Pace.DEFAULT);
  }

  /** The same at another pace. */
  public KubernetesOptions at(Pace other) {
    return new KubernetesOptions(mode, policy, eviction, breakerPercent, other);
  }
}
