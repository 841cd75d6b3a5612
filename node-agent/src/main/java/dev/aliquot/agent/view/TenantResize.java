package dev.aliquot.agent.view;

import org.jspecify.annotations.Nullable;

/**
 * A change of a tenant's share of each of its devices. What is null stays; at least one is not.
 *
 * @param memoryBytes request in bytes; excludes fractionPercent
 * @param fractionPercent request as a percentage of the device's capacity, 1..100
 * @param memoryLimitBytes limit in bytes; excludes fractionLimitPercent
 * @param fractionLimitPercent limit as a percentage of the device's capacity, 1..100
 */
public record TenantResize(
    @Nullable Long memoryBytes,
    @Nullable Integer fractionPercent,
    @Nullable Long memoryLimitBytes,
    @Nullable Integer fractionLimitPercent) {

  /**
   * Checks the bounds.
   *
   * @throws IllegalArgumentException with a sentence that names the field and what is allowed
   */
  public TenantResize checked() {
    if (memoryBytes == null
        && fractionPercent == null
        && memoryLimitBytes == null
        && fractionLimitPercent == null) {
      throw new IllegalArgumentException(
          "give at least one of memoryBytes, fractionPercent, memoryLimitBytes and fractionLimitPercent");
    }
    either("memoryBytes", memoryBytes, "fractionPercent", fractionPercent);
    either("memoryLimitBytes", memoryLimitBytes, "fractionLimitPercent", fractionLimitPercent);
    return this;
  }

  private static void either(
      String bytesField, @Nullable Long bytes, String percentField, @Nullable Integer percent) {
    if (bytes != null && percent != null) {
      throw new IllegalArgumentException(
          "give either " + bytesField + " or " + percentField + ", not both");
    }
    if (bytes != null && bytes <= 0) {
      throw new IllegalArgumentException(bytesField + ": " + bytes + " is not more than 0");
    }
    if (percent != null && (percent < 1 || percent > 100)) {
      throw new IllegalArgumentException(percentField + ": " + percent + " is not from 1 to 100");
    }
  }
}
