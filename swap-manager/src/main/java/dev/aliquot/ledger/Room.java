package dev.aliquot.ledger;

import java.util.Collection;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * How much of a device is left for whom. "After a reading" counts in what was taken back since the
 * last reading of ground truth began, which is nobody's before the next has ended. Results may be
 * negative: overhead and strangers can push a device over. Guarded by the device's lock.
 */
final class Room {
  private final long capacityBytes;
  private final Collection<Tenancy> books;
  private final Claims claims;
  private final Claims wishes;
  private long foreignBytes;
  private long lendableBytes = Long.MAX_VALUE;

  /**
   * @param books a view of all of the device's
   * @param claims guaranteed asks that wait
   * @param wishes asks for loans that wait
   */
  Room(long capacityBytes, Collection<Tenancy> books, Claims claims, Claims wishes) {
    this.capacityBytes = capacityBytes;
    this.books = books;
    this.claims = claims;
    this.wishes = wishes;
  }

  void foreign(long bytes) {
    foreignBytes = Math.max(0, bytes);
  }

  long foreignBytes() {
    return foreignBytes;
  }

  void lendable(long bytes) {
    lendableBytes = Math.max(0, bytes);
  }

  /**
   * What is free for a book: never what somebody waits for, unless the asking process came before
   * him with a claim of its own.
   *
   * @param asking null: nobody in particular
   */
  long freeBytes(Tenancy book, @Nullable Slot asking, boolean guaranteed) {
    return capacityBytes
        - foreignBytes
        - sumBytes(Tenancy::takenBytes)
        - claimedBytes(book, asking, guaranteed);
  }

  long freeAfterReadingBytes(Tenancy book, Slot asking, boolean guaranteed) {
    return capacityBytes
        - foreignBytes
        - sumBytes(Tenancy::heldBytes)
        - claimedBytes(book, asking, guaranteed);
  }

  /** What nobody holds after a reading and no claim waits for, whoever wishes for it. */
  long unclaimedBytes() {
    return capacityBytes - foreignBytes - sumBytes(Tenancy::heldBytes) - claims.sumBytes();
  }

  /** How much more a book may take before more is lent than may be. */
  long loanLeftBytes(Tenancy book) {
    return loanLeftBytes(book, Tenancy::takenBytes);
  }

  long loanLeftAfterReadingBytes(Tenancy book) {
    return loanLeftBytes(book, Tenancy::heldBytes);
  }

  /** By how much more is held than there is. */
  long overBytes() {
    return sumBytes(Tenancy::heldBytes) - capacityBytes + foreignBytes;
  }

  /** What is held beyond the requests. */
  long loanBytes() {
    return sumBytes(Tenancy::loanBytes);
  }

  /** What new host memory it takes to have everything back that is lent. */
  long unbackedBytes() {
    return sumBytes(Tenancy::unbackedBytes);
  }

  /** What is still to come of what was demanded back. */
  long outstandingBytes() {
    return sumBytes(Tenancy::outstandingBytes);
  }

  /** The same, with what is there by now and counts as held still. */
  long owedBytes() {
    return sumBytes(Tenancy::owedBytes);
  }

  /** What asks were granted and is not in use yet: where it is not used, it is free before long. */
  long promisedBytes() {
    return sumBytes(Tenancy::promisedBytes);
  }

  private long loanLeftBytes(Tenancy book, ToLongFunction<Tenancy> bytes) {
    if (lendableBytes == Long.MAX_VALUE) {
      return Long.MAX_VALUE;
    }
    long lentBytes = sumBytes(each -> Math.max(0, bytes.applyAsLong(each) - backedBytes(each)));
    long ownBytes = Math.max(0, backedBytes(book) - bytes.applyAsLong(book));
    return lendableBytes - lentBytes + ownBytes;
  }

  /** Up to there nothing of the host pool is needed to have it back. */
  private static long backedBytes(Tenancy book) {
    return book.share().requestBytes() + book.backingBytes();
  }

  private long claimedBytes(Tenancy book, @Nullable Slot asking, boolean guaranteed) {
    if (asking == null) {
      return Bytes.add(claims.sumBytes(), wishes.sumBytes());
    }
    return guaranteed
        ? claims.beforeBytes(book, asking)
        : Bytes.add(claims.sumBytes(), wishes.beforeBytes(book, asking));
  }

  private long sumBytes(ToLongFunction<Tenancy> bytes) {
    long sum = 0;
    for (Tenancy each : books) {
      sum = Bytes.add(sum, bytes.applyAsLong(each));
    }
    return sum;
  }
}
