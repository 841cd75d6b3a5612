package dev.aliquot.agent.bypass;

import java.util.Locale;

/** In which way a process's memory is not accounted for. */
public enum Kind {
  /** A tenant's process without a slot on this device: the interposer is not in it. */
  UNATTACHED("it uses the device without having attached to the agent"),
  /** A tenant's process that holds much more than it reports. */
  UNDERREPORTING("it holds much more than it reports"),
  /** No tenant's. */
  STRANGER("it belongs to no tenant");

  private final String sentence;

  Kind(String sentence) {
    this.sentence = sentence;
  }

  /** As in the API and the metrics. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  String sentence() {
    return sentence;
  }
}
