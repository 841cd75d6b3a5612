package dev.aliquot.agent.config;

/** How containers get their devices. */
public enum InjectionWay {
  ENVVAR,
  CDI
}
