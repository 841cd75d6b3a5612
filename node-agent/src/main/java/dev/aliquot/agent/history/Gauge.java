package dev.aliquot.agent.history;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where a device's figures come from.
 *
 * @param device UUID
 * @param level as it is now; null where nothing is known, for its driver has not answered lately
 */
public record Gauge(String device, Supplier<@Nullable Level> level) {
  /**
   * What a device does at one moment.
   *
   * @param utilizationPercent 0..100, negative where the driver does not say
   */
  public record Level(long usedBytes, int utilizationPercent) {}
}
