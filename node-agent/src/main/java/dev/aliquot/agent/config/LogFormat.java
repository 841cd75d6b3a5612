package dev.aliquot.agent.config;

/** How log lines look. */
public enum LogFormat {
  /** {@link #TEXT} where stderr is a terminal, else {@link #JSON}. */
  AUTO,
  /** One JSON object a line. */
  JSON,
  /** For a reader. */
  TEXT
}
