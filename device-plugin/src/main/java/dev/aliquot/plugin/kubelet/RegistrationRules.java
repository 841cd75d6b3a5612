package dev.aliquot.plugin.kubelet;

import java.time.Duration;

/**
 * How patient the plugin is with a kubelet.
 *
 * @param look how often it looks at the kubelet's socket and at its own
 * @param patience how long the kubelet has to find the plugin by itself before it is called
 * @param stream how long a kubelet that has taken the plugin has to ask for the list of devices
 * @param firstBackOff after the first failure; twice as long after each further one
 * @param lastBackOff at most
 */
public record RegistrationRules(
    Duration look,
    Duration patience,
    Duration stream,
    Duration firstBackOff,
    Duration lastBackOff) {
  /** What an agent uses. */
  public static final RegistrationRules DEFAULT =
      new RegistrationRules(
          Duration.ofMillis(200),
          Duration.ofMillis(1500),
          Duration.ofSeconds(10),
          Duration.ofMillis(250),
          Duration.ofSeconds(10));

  Duration backOff(int failures) {
    Duration backOff = firstBackOff;
    for (int i = 1; i < failures && backOff.compareTo(lastBackOff) < 0; i++) {
      backOff = backOff.multipliedBy(2);
    }
    return backOff.compareTo(lastBackOff) < 0 ? backOff : lastBackOff;
  }
}
