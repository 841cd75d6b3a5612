package dev.aliquot.agent.history;

import dev.aliquot.agent.view.HistoryView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One device's past: for each slot of time the highest use of memory and the mean utilisation, -1
 * where nothing is known. Takes the same memory from its beginning on. Not thread-safe.
 */
final class Series {
  private final Gauge gauge;
  private final long[] usedBytes;
  private final byte[] utilization;
  private long mostUsed = -1;
  private long utilizationSum;
  private int utilizationCount;

  Series(Gauge gauge, int points) {
    this.gauge = gauge;
    this.usedBytes = new long[points];
    this.utilization = new byte[points];
    Arrays.fill(usedBytes, -1);
    Arrays.fill(utilization, (byte) -1);
  }

  /** Looks once, for the slot that is being filled. */
  void look() {
    Gauge.Level level = gauge.level().get();
    if (level == null) {
      return;
    }
    mostUsed = Math.max(mostUsed, level.usedBytes());
    if (level.utilizationPercent() >= 0) {
      utilizationSum += Math.min(100, level.utilizationPercent());
      utilizationCount++;
    }
  }

  /** Ends the slot that is being filled. */
  void complete(long slot) {
    int mean =
        utilizationCount == 0 ? -1 : (int) Math.round((double) utilizationSum / utilizationCount);
    put(slot, mostUsed, mean);
    mostUsed = -1;
    utilizationSum = 0;
    utilizationCount = 0;
  }

  /** A slot in which nobody looked. */
  void missed(long slot) {
    put(slot, -1, -1);
  }

  private void put(long slot, long bytes, int percent) {
    int index = index(slot);
    usedBytes[index] = bytes;
    utilization[index] = (byte) percent;
  }

  private int index(long slot) {
    return (int) (slot % usedBytes.length);
  }

  HistoryView.DevicePoint point(long slot) {
    int index = index(slot);
    return new HistoryView.DevicePoint(gauge.device(), utilization[index], usedBytes[index]);
  }

  /** From one slot to another, both included. */
  HistoryView.DevicePast past(long from, long to) {
    List<Integer> percent = new ArrayList<>();
    List<Long> bytes = new ArrayList<>();
    for (long slot = from; slot <= to; slot++) {
      percent.add((int) utilization[index(slot)]);
      bytes.add(usedBytes[index(slot)]);
    }
    return new HistoryView.DevicePast(gauge.device(), percent, bytes);
  }
}
