package dev.aliquot.health.node;

import dev.aliquot.health.catalogue.FaultClass;
import java.util.Set;

/**
 * What may be asked for beyond a condition and a label.
 *
 * @param taint keep new pods off a node of which no device takes tenants
 * @param evict move pods away from devices that are lost
 * @param repairs what SageMaker HyperPod may be asked for; empty: nothing
 */
public record NodePolicy(boolean taint, boolean evict, Set<FaultClass> repairs) {
  /** Tell, and ask for nothing. */
  public static final NodePolicy NONE = new NodePolicy(false, false, Set.of());

  /** Copies the set. */
  public NodePolicy {
    repairs = Set.copyOf(repairs);
  }
}
