package dev.aliquot.agent.config;

/** What is done about a process that holds device memory that is not accounted for. */
public enum BypassPolicy {
  REPORT,
  SUSPEND,
  STOP
}
