package dev.aliquot.residency;

import java.time.Duration;

/**
 * How long a tenant has a device before it may be swapped out.
 *
 * @param idleAfter how long it must not have used the device to count as idle
 * @param minimumResidency how long it keeps the device after it came, idle or not
 */
public record ResidencyRules(Duration idleAfter, Duration minimumResidency) {
  /**
   * How many times as long as an exchange takes a tenant that uses the device keeps it: taking
   * turns then costs at most one part in ten.
   */
  static final int QUANTUM_FACTOR = 9;

  /** However long an exchange took once. */
  static final Duration LONGEST_QUANTUM = Duration.ofSeconds(60);

  Duration quantum(Duration exchange) {
    Duration quantum = exchange.multipliedBy(QUANTUM_FACTOR);
    Duration bounded = quantum.compareTo(LONGEST_QUANTUM) > 0 ? LONGEST_QUANTUM : quantum;
    return bounded.compareTo(minimumResidency) > 0 ? bounded : minimumResidency;
  }
}
