package dev.aliquot.agent.config;

/** What is done with pods that had something on a device that is lost. */
public enum EvictionPolicy {
  NONE,
  /** They are evicted, as far as their disruption budgets allow. */
  EVICT,
  /** They are deleted, whatever their disruption budgets say. */
  DELETE
}
