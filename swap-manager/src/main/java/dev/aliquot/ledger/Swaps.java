package dev.aliquot.ledger;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whole tenants that move out of the way: they stay at rest until they need the device again.
 * Guarded by the device's lock.
 */
final class Swaps {
  private final Map<String, Tenancy> books;
  private SwapPolicy policy = SwapPolicy.NEVER;
  private long hostBytes = Long.MAX_VALUE;
  private long count;

  /**
   * @param books a view of all of the device's
   */
  Swaps(Map<String, Tenancy> books) {
    this.books = books;
  }

  void policy(SwapPolicy newPolicy) {
    policy = newPolicy;
  }

  /** What the host pool can take beside all that is lent, which it has to take, too. */
  void hostBytes(long bytes) {
    hostBytes = Math.max(0, bytes);
  }

  /** How often a tenant was told to leave. */
  long count() {
    return count;
  }

  /**
   * Has tenants leave until so much is on its way.
   *
   * @param idleOnly those that use the device are left alone
   * @return what is on its way
   */
  long swapOut(Tenancy claimant, long wantedBytes, boolean idleOnly) {
    long leavingBytes = 0;
    long roomBytes = hostBytes;
    for (SwapPolicy.Leaver leaver : policy.leavers(claimant.tenant())) {
      boolean ready =
          leaver.readiness() == SwapPolicy.Readiness.IDLE
              || (!idleOnly && leaver.readiness() == SwapPolicy.Readiness.DUE);
      Tenancy book = ready ? possible(leaver, claimant, roomBytes) : null;
      if (book != null && leavingBytes < wantedBytes) {
        roomBytes -= book.swapNeedBytes();
        leavingBytes += book.leave();
        count++;
      }
    }
    return leavingBytes;
  }

  /** Whether it is worth waiting for somebody who may leave later. */
  boolean isSomebodyDueLater(Tenancy claimant) {
    return policy.leavers(claimant.tenant()).stream()
        .anyMatch(leaver -> possible(leaver, claimant, hostBytes) != null);
  }

  private @Nullable Tenancy possible(SwapPolicy.Leaver leaver, Tenancy claimant, long roomBytes) {
    Tenancy book = books.get(leaver.tenant());
    if (book == null || book == claimant || book.isClosed()) {
      return null;
    }
    return book.demandableBytes() > 0 && book.swapNeedBytes() <= roomBytes ? book : null;
  }
}
