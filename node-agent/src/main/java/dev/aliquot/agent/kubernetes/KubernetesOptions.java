package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.health.node.NodePolicy;

/**
 * What the cluster is told and asked.
 *
 * @param policy what may be asked for
 * @param eviction how pods are moved away from devices that are lost
 * @param breakerPercent of the nodes that may be out at once
 */
public record KubernetesOptions(
    KubernetesMode mode, NodePolicy policy, EvictionPolicy eviction, double breakerPercent) {
  public static final KubernetesOptions OFF =
      new KubernetesOptions(KubernetesMode.OFF, NodePolicy.NONE, EvictionPolicy.NONE, 20);
}
