package dev.aliquot.agent.health;

import dev.aliquot.agent.config.OutPolicy;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How faults are watched for.
 *
 * @param kernelLog null: /dev/kmsg, or the simulated node's
 * @param profile whose view of XIDs counts, one of the catalogue's profiles
 * @param overrides rows of the table that are other here; null: none
 * @param hold how long nothing may be wrong before a device is trusted again
 * @param expectedDevices how many the node has; 0: not known
 * @param tenants what becomes of those of a device that is out
 * @param grace between asking a process to end and killing it, where that becomes of tenants
 * @param breakerPercent of the devices that faults that were read may take out at once
 */
public record HealthOptions(
    @Nullable Path kernelLog,
    String profile,
    @Nullable Path overrides,
    Duration hold,
    int expectedDevices,
    OutPolicy tenants,
    Duration grace,
    double breakerPercent) {
  /** What programs are given to end by themselves, where nothing else is said. */
  public static final Duration GRACE = Duration.ofSeconds(10);

  public static final HealthOptions DEFAULTS =
      new HealthOptions(null, "nvidia", null, Duration.ofSeconds(30), 0, OutPolicy.KEEP, GRACE, 50);

  /** The same with another time until a device is trusted again. */
  public HealthOptions withHold(Duration other) {
    return new HealthOptions(
        kernelLog, profile, overrides, other, expectedDevices, tenants, grace, breakerPercent);
  }

  /** The same with rows of the table that are other here. */
  public HealthOptions withOverrides(Path file) {
    return new HealthOptions(
        kernelLog, profile, file, hold, expectedDevices, tenants, grace, breakerPercent);
  }

  /** The same with another log. */
  public HealthOptions withKernelLog(Path file) {
    return new HealthOptions(
        file, profile, overrides, hold, expectedDevices, tenants, grace, breakerPercent);
  }

  /** The same with another fate of the tenants of a device that is out. */
  public HealthOptions withTenants(OutPolicy policy) {
    return new HealthOptions(
        kernelLog, profile, overrides, hold, expectedDevices, policy, grace, breakerPercent);
  }

  /** The same with as many devices expected. */
  public HealthOptions withExpectedDevices(int devices) {
    return new HealthOptions(
        kernelLog, profile, overrides, hold, devices, tenants, grace, breakerPercent);
  }

  /** The same with another share of the devices that may be out at once by what was read. */
  public HealthOptions withBreaker(double percent) {
    return new HealthOptions(
        kernelLog, profile, overrides, hold, expectedDevices, tenants, grace, percent);
  }

  /** The same with another time to end. */
  public HealthOptions withGrace(Duration other) {
    return new HealthOptions(
        kernelLog, profile, overrides, hold, expectedDevices, tenants, other, breakerPercent);
  }
}
