package dev.aliquot.ledger;

import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What borrowers of a device have been told to give back. In force while somebody claims it, and,
 * as far as it was demanded ahead of the asks, until it is there. Guarded by the device's lock.
 */
final class Demands {
  /** For so long a process may take to use what it was granted: a machine may stall. */
  private static final int PROMISE_LOOKS = 20;

  private final Collection<Tenancy> books;
  private final Claims claims;
  private final Room room;
  private final long aheadBytes;
  private long count;

  /**
   * @param books a view of all of the device's
   * @param aheadBytes how much more of its request than a tenant asks for is demanded for it
   */
  Demands(Collection<Tenancy> books, Claims claims, Room room, long aheadBytes) {
    this.books = books;
    this.claims = claims;
    this.room = room;
    this.aheadBytes = aheadBytes;
  }

  /** How often something has been demanded. */
  long count() {
    return count;
  }

  boolean areInForce() {
    return !claims.isEmpty() || room.outstandingBytes() > 0;
  }

  /**
   * Demands what a claim misses, and some of the tenant's request ahead.
   *
   * @return what could not be demanded of it; not positive: nothing
   */
  long demand(Tenancy claimant, Slot asking, long needBytes, long missingBytes) {
    count++;
    List<Tenancy> others = books.stream().filter(each -> each != claimant).toList();
    long wantedBytes = Bytes.add(missingBytes, aheadBytes(claimant, asking, needBytes));
    return missingBytes - Reclaim.demandLoans(others, wantedBytes);
  }

  /** Who has given nothing back for that many calls is not waited for any more. */
  void check(int patience) {
    for (Tenancy book : books) {
      for (Slot slot : book.slots()) {
        slot.checkDemand(patience);
        slot.checkPromise(PROMISE_LOOKS);
      }
    }
    endThoseMet();
  }

  /** Those who could not give anything back are asked again from now on. */
  void forgiveStuck() {
    books.forEach(book -> book.slots().forEach(slot -> slot.stuck = false));
  }

  /** What was demanded ahead may still be on its way when all claims are granted. */
  void endThoseMet() {
    if (room.outstandingBytes() == 0) {
      endWithoutClaims();
    }
  }

  /** Where nobody waits, borrowers keep what they still have. */
  void endWithoutClaims() {
    if (claims.isEmpty()) {
      for (Tenancy book : books) {
        book.recover();
        book.slots().forEach(Slot::release);
      }
    }
  }

  /** What a book keeps that another tenant waits for in vain, and the process with most of it. */
  Optional<Kept> kept(Tenancy book) {
    if (!claims.isStuckBeside(book) || book.outstandingBytes() > 0) {
      return Optional.empty();
    }
    Kept most = new Kept(0, 0);
    for (Slot slot : book.slots()) {
      long fixedBytes = slot.fixedBytes();
      most = fixedBytes > most.bytes() ? new Kept(slot.index, fixedBytes) : most;
    }
    Kept kept = new Kept(most.slot(), Math.min(most.bytes(), book.loanBytes()));
    return Optional.of(kept).filter(each -> each.bytes() > 0);
  }

  /** What else of its request the tenant does not have and has not claimed: up to so much of it. */
  private long aheadBytes(Tenancy book, Slot asking, long needBytes) {
    long claimedBytes = Bytes.add(needBytes, claims.siblingsBytes(book, asking));
    long leftBytes =
        book.share().requestBytes()
            - Bytes.add(Bytes.add(book.takenBytes(), book.demotedBytes()), claimedBytes);
    return Math.max(0, Math.min(aheadBytes, leftBytes));
  }
}
