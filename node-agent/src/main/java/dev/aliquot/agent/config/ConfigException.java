package dev.aliquot.agent.config;

import java.util.List;

/**
 * Configuration that cannot be used. The message has one line for every fault: the key, the value,
 * where it came from, what is allowed.
 */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  private final List<String> faults;

  /** At least one fault. */
  public ConfigException(List<String> faults) {
    super(String.join("\n", faults));
    this.faults = List.copyOf(faults);
  }

  /** One sentence each. */
  public List<String> faults() {
    return faults;
  }
}
