package dev.aliquot.agent.config;

/** How severe a message must be to be logged. */
public enum LogLevel {
  ERROR,
  WARN,
  INFO,
  DEBUG,
  TRACE
}
