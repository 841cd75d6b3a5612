package dev.aliquot.ledger;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whole tenants that move out of the way: they stay at rest until they need the device again.
 * Guarded by the device's lock.
 *
 * <p>One that waits for memory itself is not idle, and does not leave for who came after it. One
 * that uses the device leaves only if something is lent to it: what is within its request it would
 * have back at once.
 */
final class Swaps {
  private final Map<String, Tenancy> books;
  private final Claims claims;
  private final Claims wishes;
  private SwapPolicy policy = SwapPolicy.NEVER;
  private long hostBytes = Long.MAX_VALUE;

  /**
   * @param books a view of all of the device's
   * @param claims guaranteed asks that wait
   * @param wishes asks for loans that wait
   */
  Swaps(Map<String, Tenancy> books, Claims claims, Claims wishes) {
    this.books = books;
    this.claims = claims;
    this.wishes = wishes;
  }

  void policy(SwapPolicy newPolicy) {
    policy = newPolicy;
  }

  /** What the host pool can take beside all that is lent, which it has to take, too. */
  void hostBytes(long bytes) {
    hostBytes = Math.max(0, bytes);
  }

  /** A tenant has got what it waited for. */
  void arrived(Tenancy book) {
    policy.arrived(book.tenant());
  }

  Priority priority(Tenancy book) {
    return policy.priority(book.tenant());
  }

  /** Whether a tenant uses the device. */
  boolean isActive(Tenancy book) {
    return policy.isActive(book.tenant());
  }

  /** A tenant's data is on its way back. */
  void comesBack(Tenancy book) {
    policy.comesBack(book.tenant());
  }

  /** A tenant's data was on its way back, and does not come. */
  void staysAway(Tenancy book) {
    policy.staysAway(book.tenant());
  }

  /**
   * Has tenants leave until so much is on its way.
   *
   * @param idleOnly those that use the device are left alone
   * @return what is on its way
   */
  long swapOut(Tenancy claimant, Slot asking, long wantedBytes, boolean idleOnly) {
    long leavingBytes = 0;
    long roomBytes = hostBytes;
    for (SwapPolicy.Leaver leaver : policy.leavers(claimant.tenant())) {
      SwapPolicy.Readiness readiness = leaver.readiness();
      Tenancy book = candidate(leaver, claimant, asking, roomBytes);
      boolean ready =
          book != null
              && (isIdle(book, readiness)
                  || (!idleOnly && readiness.compareTo(SwapPolicy.Readiness.DUE) <= 0));
      if (book != null && ready && leavingBytes < wantedBytes) {
        roomBytes -= book.swapNeedBytes();
        leavingBytes += book.leave();
      }
    }
    return leavingBytes;
  }

  /**
   * The most that tenants could make room for by leaving in time.
   *
   * @param last those that are less ready than this the claimant does not wait for
   */
  long hopeBytes(Tenancy claimant, Slot asking, SwapPolicy.Readiness last) {
    long bytes = 0;
    for (SwapPolicy.Leaver leaver : policy.leavers(claimant.tenant())) {
      Tenancy book = candidate(leaver, claimant, asking, hostBytes);
      boolean inTime = leaver.readiness().compareTo(last) <= 0;
      bytes = book == null || !inTime ? bytes : Bytes.add(bytes, book.demandableBytes());
    }
    return bytes;
  }

  private @Nullable Tenancy candidate(
      SwapPolicy.Leaver leaver, Tenancy claimant, Slot asking, long roomBytes) {
    Tenancy book = books.get(leaver.tenant());
    if (book == null || book == claimant || book.isClosed()) {
      return null;
    }
    boolean ahead = claims.hasAnyOf(book) || wishes.hasAnyBefore(book, claimant, asking);
    boolean worth = isIdle(book, leaver.readiness()) || book.loanBytes() > 0;
    return !ahead && worth && book.demandableBytes() > 0 && book.swapNeedBytes() <= roomBytes
        ? book
        : null;
  }

  private boolean isIdle(Tenancy book, SwapPolicy.Readiness readiness) {
    return readiness == SwapPolicy.Readiness.IDLE && !wishes.hasAnyOf(book);
  }
}
