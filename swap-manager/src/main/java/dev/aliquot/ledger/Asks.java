package dev.aliquot.ledger;

import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The answers to processes that want to hold more of a device, or to come back to it. Guarded by
 * the device's lock.
 *
 * <p>Memory for a guaranteed ask is looked for in this order: what is free; credit that nobody
 * uses; idle tenants, which are swapped out; loans, which their borrowers are told to give back.
 * Memory for a loan: what is free and waited for by nobody, then unused credit, then tenants that
 * are idle or have had the device for long enough.
 */
final class Asks {
  private final Map<String, Tenancy> books;
  private final Room room;

  /** Guaranteed asks that wait. */
  private final Claims claims;

  /** Asks for loans that wait, behind all claims, and by priority. */
  private final Claims wishes;

  private final Demands demands;
  private final Swaps swaps;
  private long shortages;

  /**
   * @param books a view of all of the device's
   */
  Asks(
      Map<String, Tenancy> books,
      Room room,
      Claims claims,
      Claims wishes,
      Demands demands,
      Swaps swaps) {
    this.books = books;
    this.room = room;
    this.claims = claims;
    this.wishes = wishes;
    this.demands = demands;
    this.swaps = swaps;
  }

  /**
   * @param slot whose credit is to reach wantedBytes
   * @param returningBytes the part of that which the process has in host memory already: it counts
   *     against the limit, and has a place to go back to, as it is
   */
  private record Want(Tenancy book, Slot slot, long wantedBytes, long returningBytes) {
    long needBytes() {
      return wantedBytes - slot.creditBytes;
    }

    /** The process, where its data comes back. */
    @Nullable Slot returning() {
      return returningBytes == 0 ? null : slot;
    }

    long lendableBytes(long loanLeftBytes) {
      return loanLeftBytes > Long.MAX_VALUE - returningBytes
          ? Long.MAX_VALUE
          : loanLeftBytes + returningBytes;
    }
  }

  /** How often one had to have others make room, or could not be met. */
  long shortages() {
    return shortages;
  }

  /** A process that is to leave gets no loan: it would take back in parts what it has to give. */
  AskResult ask(Tenancy book, Slot slot, long wantedBytes) {
    slot.reclaims = false;
    slot.endPromise();
    if (slot.away && !isGuaranteed(book, slot, wantedBytes)) {
      withdraw(book, slot);
      return Refusals.away(wantedBytes - slot.creditBytes);
    }
    return answer(new Want(book, slot, wantedBytes, 0));
  }

  /** The same for data that comes back, which the process has in host memory. */
  AskResult bringBack(Tenancy book, Slot slot, long wantedBytes, long returningBytes) {
    return answer(new Want(book, slot, wantedBytes, returningBytes));
  }

  void withdraw(Tenancy book, Slot slot) {
    slot.reclaims = false;
    wishes.remove(book, slot);
    withdrawClaim(book, slot);
  }

  // ---- inside

  private AskResult answer(Want want) {
    Tenancy book = want.book();
    Slot slot = want.slot();
    books.values().forEach(Tenancy::recover);
    boolean guaranteed = isGuaranteed(book, slot, want.wantedBytes());
    if (guaranteed) {
      wishes.remove(book, slot);
      if (slot.away) {
        slot.stay();
      }
    } else {
      // it was, before siblings grew or the request shrank: it must not hold others up
      withdrawClaim(book, slot);
    }
    long needBytes = want.needBytes();
    if (guaranteed && waitsForSiblings(book, slot, needBytes)) {
      claims.put(book, slot, want.wantedBytes());
      return new AskResult.AfterReading(true);
    }
    long loanLeftBytes = guaranteed ? Long.MAX_VALUE : want.lendableBytes(room.loanLeftBytes(book));
    long leftBytes =
        Math.min(
            loanLeftBytes,
            Math.min(book.leftBytes(want.returning()), room.freeBytes(book, slot, guaranteed)));
    if (leftBytes >= needBytes) {
      return grant(want, leftBytes - needBytes);
    }
    long overLimitBytes = needBytes - book.afterReadingBytes(want.returning());
    if (overLimitBytes > 0) {
      book.takeUnused(overLimitBytes, true, Set.of(slot));
    }
    if (book.afterReadingBytes(want.returning()) < needBytes) {
      withdraw(book, slot);
      return book.overLimit(want.wantedBytes());
    }
    long mayLendBytes = want.lendableBytes(room.loanLeftBytes(book));
    if (!guaranteed && mayLendBytes < needBytes) {
      takeUnusedLoans(book, slot, needBytes - mayLendBytes);
      if (want.lendableBytes(room.loanLeftAfterReadingBytes(book)) < needBytes) {
        wishes.remove(book, slot);
        return Refusals.nothingToLend(room, book, slot, needBytes);
      }
      return new AskResult.AfterReading(false);
    }
    takeUnusedForRoom(book, slot, needBytes, guaranteed);
    if (room.freeAfterReadingBytes(book, slot, guaranteed) >= needBytes) {
      if (guaranteed) {
        claims.put(book, slot, want.wantedBytes());
      }
      return new AskResult.AfterReading(guaranteed);
    }
    shortages++;
    return guaranteed ? makeRoom(want) : waitForOthers(want);
  }

  private AskResult grant(Want want, long restBytes) {
    Slot slot = want.slot();
    slot.trimmed = false;
    long aheadBytes =
        slot.away ? 0 : aheadBytes(want.book(), want.wantedBytes(), want.needBytes(), restBytes);
    slot.grant(want.needBytes() + aheadBytes);
    if (want.returning() != null) {
      slot.expectReturn();
    } else {
      slot.promise(want.wantedBytes());
    }
    if (wishes.remove(want.book(), slot)) {
      swaps.arrived(want.book());
    }
    if (claims.remove(want.book(), slot)) {
      demands.endThoseMet();
    }
    return new AskResult.Granted(slot.creditBytes);
  }

  private void withdrawClaim(Tenancy book, Slot slot) {
    if (claims.remove(book, slot)) {
      demands.endWithoutClaims();
    }
  }

  /** Within the request, counting what siblings use and wait for, not what they have unused. */
  private boolean isGuaranteed(Tenancy book, Slot asking, long wantedBytes) {
    return Bytes.add(wantedBytes, othersBytes(book, asking)) <= book.share().requestBytes();
  }

  /** What a tenant has of its request without a process. */
  long othersBytes(Tenancy book, Slot asking) {
    long bytes = Bytes.add(book.overheadBytes(), claims.siblingsBytes(book, asking));
    for (Slot slot : book.slots()) {
      if (slot != asking) {
        bytes = Bytes.add(bytes, Math.min(slot.creditBytes, slot.claimBytes()));
      }
    }
    return bytes;
  }

  /**
   * What is granted beyond the need, so that the next ask comes late: of the request all that is
   * left to a lone process, else half; of what would be lent half.
   */
  private long aheadBytes(Tenancy book, long wantedBytes, long needBytes, long restBytes) {
    long requestLeftBytes =
        Math.max(0, book.share().requestBytes() - Bytes.add(book.overheadBytes(), wantedBytes));
    long ownBytes = book.isLone() ? Math.min(restBytes, requestLeftBytes) : 0;
    long moreBytes = Math.max(0, room.loanLeftBytes(book) - needBytes - ownBytes);
    return ownBytes + Math.min(moreBytes, restBytes - ownBytes) / 2;
  }

  /**
   * What siblings have ahead of the request and do not use is taken back before another process
   * gets its part of it: else they could use it, too, and nobody would have lent it.
   */
  private static boolean waitsForSiblings(Tenancy book, Slot asking, long needBytes) {
    long requestBytes = book.share().requestBytes();
    if (Bytes.add(book.takenBytes(), needBytes) <= requestBytes) {
      return false;
    }
    long overBytes = Bytes.add(book.heldBytes(), needBytes) - requestBytes;
    if (overBytes > 0) {
      book.takeUnused(overBytes, true, Set.of(asking));
    }
    return Bytes.add(book.heldBytes(), needBytes) <= requestBytes;
  }

  private void takeUnusedForRoom(Tenancy book, Slot asking, long needBytes, boolean guaranteed) {
    long missingBytes = needBytes - room.freeAfterReadingBytes(book, asking, guaranteed);
    if (missingBytes > 0) {
      missingBytes -= book.takeUnused(missingBytes, true, Set.of(asking));
    }
    if (missingBytes > 0) {
      Reclaim.takeUnusedOf(others(book), missingBytes, claims.slots());
    }
  }

  /** Credit for loans that nobody uses is not lent any more. */
  private void takeUnusedLoans(Tenancy book, Slot asking, long missingBytes) {
    long stillMissingBytes = missingBytes - book.takeUnused(missingBytes, true, Set.of(asking));
    List<Tenancy> borrowers =
        others(book).stream()
            .filter(each -> each.heldBytes() > each.share().requestBytes())
            .toList();
    if (stillMissingBytes > 0) {
      Reclaim.takeUnusedOf(borrowers, stillMissingBytes, claims.slots());
    }
  }

  private AskResult makeRoom(Want want) {
    Tenancy book = want.book();
    claims.put(book, want.slot(), want.wantedBytes());
    long missingBytes = missingBytes(want, true);
    if (missingBytes > 0) {
      missingBytes -= swaps.swapOut(book, want.slot(), missingBytes, true);
    }
    if (missingBytes > 0) {
      missingBytes = demands.demand(book, want.slot(), want.needBytes(), missingBytes);
    }
    if (missingBytes > 0) {
      // the claim stands until it is withdrawn: what others give meanwhile is kept for it
      claims.markStuck(book, want.slot());
      return Refusals.stuck(room, want.needBytes());
    }
    return new AskResult.MakingRoom(Math.max(1, room.outstandingBytes()));
  }

  /**
   * Nobody has to give anything back for a loan, but tenants take turns. What all who may leave
   * could not make room for is refused at once, and nobody leaves for it. Who is away, and so waits
   * for a while only, waits for those of a higher priority, too: one of them may become idle.
   */
  private AskResult waitForOthers(Want want) {
    Tenancy book = want.book();
    Slot slot = want.slot();
    wishes.put(book, slot, want.wantedBytes());
    long owedBytes = slot.owedBytes();
    long comingBytes = room.owedBytes() - owedBytes + room.promisedBytes();
    long missingBytes = want.needBytes() - room.unclaimedBytes() - comingBytes;
    Readiness last = want.returning() == null ? Readiness.NOT_YET : Readiness.LATER;
    boolean inVain = missingBytes > swaps.hopeBytes(book, slot, last);
    boolean waits = slot.away && missingBytes <= swaps.hopeBytes(book, slot, Readiness.WHEN_IDLE);
    boolean hopeless = inVain && !waits;
    // who came before takes its turn, and may leave when that is over; but who owes something
    // does not wait, for others wait for that
    if (hopeless && (owedBytes > 0 || !wishes.hasOthersBefore(book, slot))) {
      wishes.remove(book, slot);
      return Refusals.nothingToLend(room, book, slot, want.needBytes());
    }
    long wantedBytes = missingBytes(want, false);
    if (wantedBytes > 0 && !inVain) {
      swaps.swapOut(book, slot, wantedBytes, false);
    }
    return new AskResult.MakingRoom(Math.max(1, room.outstandingBytes()));
  }

  private long missingBytes(Want want, boolean guaranteed) {
    return want.needBytes()
        - room.freeAfterReadingBytes(want.book(), want.slot(), guaranteed)
        - room.owedBytes();
  }

  private Collection<Tenancy> others(Tenancy book) {
    return books.values().stream().filter(each -> each != book).toList();
  }
}
