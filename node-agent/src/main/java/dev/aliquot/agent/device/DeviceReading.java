package dev.aliquot.agent.device;

import java.util.Map;

/**
 * A device at one moment, by NVML: ground truth.
 *
 * @param usedBytes by anyone, without the reserved part
 * @param bytesByPid every process with a context; {@link #UNKNOWN} where the driver does not say
 *     how much
 * @param utilizationPercent -1 where the driver does not say; so the next three
 */
public record DeviceReading(
    long usedBytes,
    Map<Integer, Long> bytesByPid,
    int utilizationPercent,
    int memoryUtilizationPercent,
    int temperatureCelsius,
    long powerMilliwatts) {
  public static final long UNKNOWN = -1;

  /** Before the first one. */
  public static final DeviceReading NONE = new DeviceReading(0, Map.of(), -1, -1, -1, -1);

  /** Copies the map. */
  public DeviceReading {
    bytesByPid = Map.copyOf(bytesByPid);
  }
}
