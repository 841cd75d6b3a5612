package dev.aliquot.agent.view;

import java.time.Instant;
import java.util.List;

/**
 * The last hour of every device, as far as this agent was there.
 *
 * @param end when the last point's time ended
 * @param stepSeconds time that one point stands for
 * @param mostPoints how many are kept
 * @param slot number of the last point, counted from the agent's start; -1 before the first
 * @param devices every device
 */
public record HistoryView(
    Instant end, int stepSeconds, int mostPoints, long slot, List<DevicePast> devices) {

  /**
   * One device's past, the oldest point first. -1 stands for a time of which nothing is known.
   *
   * @param device UUID
   * @param utilizationPercent the mean within each point's time
   * @param usedBytes the most within each point's time, by anyone, without the reserved part
   */
  public record DevicePast(String device, List<Integer> utilizationPercent, List<Long> usedBytes) {}

  /**
   * One point of every device.
   *
   * @param slot its number
   * @param devices every device
   */
  public record Point(long slot, List<DevicePoint> devices) {}

  /**
   * One device's point; -1 where nothing is known.
   *
   * @param device UUID
   */
  public record DevicePoint(String device, int utilizationPercent, long usedBytes) {}
}
