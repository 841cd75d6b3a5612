package dev.aliquot.agent.config;

/** Whether the cluster is told of faults. */
public enum KubernetesMode {
  OFF,
  /** The cluster is read, and what would be changed is only said. */
  DRY_RUN,
  ON
}
