package dev.aliquot.agent.view;

import java.util.List;

/**
 * What a cluster knows of the node's faults.
 *
 * @param mode dry-run or on
 * @param problem why the cluster does not know all yet, a sentence; empty where it does
 * @param pending how many changes and Events wait
 * @param failures requests that failed since the agent started
 * @param breaker why the node may not be taken out, a sentence; empty where it may, or need not be
 * @param hyperPod what SageMaker HyperPod's label says when it has taken the node out, or empty
 * @param eventsDropped Events that were never told because too many waited
 * @param wouldDo in a dry run: what would be done now, a sentence each
 */
public record KubernetesView(
    String mode,
    String problem,
    int pending,
    long failures,
    String breaker,
    String hyperPod,
    long eventsDropped,
    List<String> wouldDo) {

  /** Copies the list. */
  public KubernetesView {
    wouldDo = List.copyOf(wouldDo);
  }
}
