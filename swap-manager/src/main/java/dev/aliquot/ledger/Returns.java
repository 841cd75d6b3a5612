package dev.aliquot.ledger;

/**
 * Data in host memory that is wanted on the device again: of processes that are away and want to
 * run, and of those that run without it. Guarded by the device's lock.
 */
final class Returns {
  private final Room room;
  private final Asks asks;
  private final Claims claims;
  private final Claims wishes;
  private final Swaps swaps;

  /**
   * @param claims guaranteed asks that wait
   * @param wishes asks for loans that wait
   */
  Returns(Room room, Asks asks, Claims claims, Claims wishes, Swaps swaps) {
    this.room = room;
    this.asks = asks;
    this.claims = claims;
    this.wishes = wishes;
    this.swaps = swaps;
  }

  /**
   * A process that is away wants to run: all of its data is to be on the device, and what of it is
   * within the request has to be, and what the driver has taken off, whatever else there is. Where
   * there is nothing more to wait for, it comes back with what there is.
   *
   * @param whole whether it waits for what is beyond its request, too, though others are not giving
   *     that back yet
   */
  AskResult resume(Tenancy book, Slot slot, boolean whole) {
    book.recover();
    slot.reclaims = false;
    if (slot.away) {
      slot.stay();
    }
    long sunkBytes = slot.missingBytes();
    long returningBytes = slot.away && !book.isClosed() ? slot.demotedBytes() : 0;
    long allBytes = Bytes.add(returningBytes, sunkBytes);
    AskResult result = null;
    // a claim that stands is waited for: others are giving back for it
    if ((whole || isComing(allBytes)) && !claims.has(book, slot)) {
      result = back(book, slot, allBytes, returningBytes);
    }
    if (result == null || result instanceof AskResult.Refused) {
      wishes.remove(book, slot);
      long leastBytes = Math.max(sunkBytes, guaranteedBytes(book, slot, allBytes));
      result = back(book, slot, leastBytes, returningBytes);
    }
    if (!(result instanceof AskResult.Granted)) {
      return result;
    }
    reserve(slot, returningBytes);
    if (slot.missingBytes() > 0) {
      return new AskResult.MakingRoom(slot.missingBytes());
    }
    runs(book, slot);
    return new AskResult.Granted(slot.creditBytes);
  }

  /**
   * A process that is away runs from now on, and has of its data what there is; one that the driver
   * has taken off and that found no room stays away, for the driver would lose it.
   */
  void comeBack(Tenancy book, Slot slot) {
    asks.withdraw(book, slot);
    if (slot.missingBytes() > 0) {
      slot.contexts.release();
      book.unreadBytes += slot.uncover();
    } else {
      runs(book, slot);
    }
  }

  private void runs(Tenancy book, Slot slot) {
    if (slot.away) {
      slot.comeBack();
      swaps.comesBack(book);
    }
  }

  /**
   * What has been granted for contexts is kept for them and no longer credit, unless the process
   * has announced to use it in the moment that it was: then some is missing still.
   */
  private static void reserve(Slot slot, long returningBytes) {
    long missingBytes = slot.contexts.missingBytes();
    if (missingBytes > 0) {
      slot.returned();
      slot.endPromise();
      slot.contexts.reserve(slot.takeUnused(missingBytes));
      if (returningBytes > 0) {
        slot.expectReturn();
      }
    }
  }

  /**
   * Has the data of a process that runs without it come back: it came back before there was room
   * for it, or lent memory was demanded of it. What is within the request is claimed. For the rest
   * a tenant that uses the device waits its turn like one that is away, but runs meanwhile.
   */
  void reclaim(Tenancy book, Slot slot) {
    if (slot.away && slot.reclaims) {
      // what it waited for while it ran is nobody's now; it asks when it is to run again
      asks.withdraw(book, slot);
    }
    boolean asksItself = !slot.reclaims && (claims.has(book, slot) || wishes.has(book, slot));
    if (slot.away || slot.demanded || asksItself || slot.missingBytes() > 0) {
      return;
    }
    long demotedBytes = slot.demotedBytes();
    // what is on its way is in its claim
    long leftBytes = demotedBytes - slot.returningBytes();
    long ownBytes = Bytes.add(slot.claimBytes(), asks.othersBytes(book, slot));
    long wantedBytes =
        slot.claimBytes() + Math.clamp(book.share().requestBytes() - ownBytes, 0, leftBytes);
    boolean whole = wantedBytes <= slot.creditBytes && swaps.isActive(book);
    if (whole) {
      wantedBytes = slot.claimBytes() + leftBytes;
    }
    if (wantedBytes <= slot.creditBytes) {
      asks.withdraw(book, slot);
      return;
    }
    AskResult result = asks.bringBack(book, slot, wantedBytes, demotedBytes);
    slot.reclaims = claims.has(book, slot) || wishes.has(book, slot);
    if (result instanceof AskResult.Granted) {
      slot.wake();
    }
    if (result instanceof AskResult.Granted && whole) {
      swaps.comesBack(book);
    }
  }

  private boolean isComing(long bytes) {
    return bytes <= Bytes.add(room.unclaimedBytes(), room.owedBytes());
  }

  private AskResult back(Tenancy book, Slot slot, long backBytes, long returningBytes) {
    if (backBytes == 0) {
      return new AskResult.Granted(slot.creditBytes);
    }
    slot.contexts.want(true);
    try {
      return asks.bringBack(book, slot, slot.creditBytes + backBytes, returningBytes);
    } finally {
      slot.contexts.want(false);
    }
  }

  /** What of that much more of a process is guaranteed. */
  private long guaranteedBytes(Tenancy book, Slot slot, long moreBytes) {
    long ownBytes = Bytes.add(slot.creditBytes, asks.othersBytes(book, slot));
    return Math.clamp(book.share().requestBytes() - ownBytes, 0, moreBytes);
  }
}
