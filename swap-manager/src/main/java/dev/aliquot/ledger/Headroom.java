package dev.aliquot.ledger;

/**
 * What is never given to tenants, so that the driver's own needs do not break a guarantee.
 *
 * @param percent of the device's memory, 0..90
 * @param minBytes the least, however small the device
 */
public record Headroom(double percent, long minBytes) {

  /** Checks the bounds. */
  public Headroom {
    if (!(percent >= 0 && percent <= 90) || minBytes < 0) {
      throw new IllegalArgumentException(
          "headroom is 0 to 90 percent and not negative, not "
              + percent
              + " % and "
              + minBytes
              + " bytes");
    }
  }

  /** Bytes held back of a device with so much memory. */
  public long bytes(long totalBytes) {
    return Math.min(totalBytes, Math.max(minBytes, (long) (totalBytes * (percent / 100))));
  }

  /** What tenants can be given: total - reserved - headroom, never less than 0. */
  public long capacityBytes(long totalBytes, long reservedBytes) {
    return Math.max(0, totalBytes - reservedBytes - bytes(totalBytes));
  }
}
