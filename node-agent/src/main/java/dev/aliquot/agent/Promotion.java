package dev.aliquot.agent;

import dev.aliquot.ledger.DeviceBook;
import java.time.Duration;

/**
 * When data that was demoted comes back, and when those who could not give memory back are asked
 * again. What is within its tenant's request is claimed at once; the rest waits until the device
 * has been quiet for a while, so that two tenants that want the same memory do not have it moved to
 * and fro. For one thread.
 */
final class Promotion {
  static final Duration QUIET = Duration.ofSeconds(2);
  static final Duration STUCK = Duration.ofSeconds(10);

  /** Looks, of which there are two a second: longer than a device may take to finish its work. */
  private static final int PATIENCE = 14;

  private final DeviceBook book;
  private boolean begun;
  private long demands;
  private long quietSince;
  private long forgivenAt;

  Promotion(DeviceBook book) {
    this.book = book;
  }

  void tick(long nowNanos) {
    long now = book.demands();
    if (!begun || book.isMakingRoom() || now != demands) {
      quietSince = nowNanos;
    }
    demands = now;
    book.checkDemands(PATIENCE);
    if (!begun || nowNanos - forgivenAt >= STUCK.toNanos()) {
      book.forgiveStuck();
      forgivenAt = nowNanos;
    }
    begun = true;
    book.reclaim();
    if (nowNanos - quietSince >= QUIET.toNanos()) {
      book.promote();
    }
  }
}
