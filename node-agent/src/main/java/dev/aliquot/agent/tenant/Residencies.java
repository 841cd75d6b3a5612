package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.residency.Residency;
import dev.aliquot.residency.ResidencyRules;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/** Who may be swapped out of each device: one policy a device, which its book asks. Thread-safe. */
public final class Residencies {
  private final ResidencyRules rules;
  private final LongSupplier monotonic;
  private final Map<Device, Residency> residencies = new ConcurrentHashMap<>();

  /**
   * @param monotonic CLOCK_MONOTONIC in nanoseconds
   */
  public Residencies(ResidencyRules rules, LongSupplier monotonic) {
    this.rules = rules;
    this.monotonic = monotonic;
  }

  /** How often processes came back to a device in the last minute. */
  public int exchangesPerMinute(Device device) {
    return of(device).exchangesInAMinute();
  }

  Residency of(Device device) {
    return residencies.computeIfAbsent(device, this::begin);
  }

  private Residency begin(Device device) {
    Residency residency = new Residency(rules, monotonic);
    device.book().swapPolicy(residency);
    return residency;
  }
}
