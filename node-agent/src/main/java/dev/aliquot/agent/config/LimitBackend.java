package dev.aliquot.agent.config;

/** Who holds a tenant to its memory beside the agent's own credit. */
public enum LimitBackend {
  /** The driver where it can, else the interposer alone. */
  AUTO,
  INTERPOSER,
  DRIVER
}
