package dev.aliquot.agent.bypass;

import java.util.Locale;

/** What is wrong with what a process holds. */
public enum Kind {
  /** A tenant's process without a slot on this device: the interposer is not in it. */
  UNATTACHED("that is not accounted for: it uses the device without having attached to the agent"),
  /** A tenant's process that holds much more than it reports. */
  UNDERREPORTING("that is not accounted for: it holds much more than it reports"),
  /** A tenant's process that keeps what was lent to it, and is guaranteed to another tenant. */
  KEEPING("that was lent to it and is guaranteed to a tenant that waits: it does not give it back"),
  /** No tenant's. */
  STRANGER("that is not accounted for: it belongs to no tenant");

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
