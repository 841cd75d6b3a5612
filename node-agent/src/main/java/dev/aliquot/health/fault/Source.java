package dev.aliquot.health.fault;

import java.util.Locale;

/** Where a fault was seen. */
public enum Source {
  /** An event that NVML delivered. */
  NVML_EVENT,
  /** A line of the kernel log. */
  KERNEL_LOG,
  /** What the device says of itself, asked regularly. */
  DEVICE_STATE;

  /**
   * The source with a label.
   *
   * @throws IllegalArgumentException when there is none
   */
  public static Source of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
