package dev.aliquot.agent.health;

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
 */
public record HealthOptions(
    @Nullable Path kernelLog,
    String profile,
    @Nullable Path overrides,
    Duration hold,
    int expectedDevices) {
  public static final HealthOptions DEFAULTS =
      new HealthOptions(null, "nvidia", null, Duration.ofSeconds(30), 0);

  /** The same with another time until a device is trusted again. */
  public HealthOptions withHold(Duration other) {
    return new HealthOptions(kernelLog, profile, overrides, other, expectedDevices);
  }

  /** The same with rows of the table that are other here. */
  public HealthOptions withOverrides(Path file) {
    return new HealthOptions(kernelLog, profile, file, hold, expectedDevices);
  }

  /** The same with another log. */
  public HealthOptions withKernelLog(Path file) {
    return new HealthOptions(file, profile, overrides, hold, expectedDevices);
  }
}
