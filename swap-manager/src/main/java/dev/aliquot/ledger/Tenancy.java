package dev.aliquot.ledger;

import java.util.Collection;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one tenant has of one device: the figures of {@link TenantBook}. Guarded by the device's
 * lock.
 */
final class Tenancy {
  private final DeviceBook device;
  private final String tenant;
  final Slots slots = new Slots();
  Share share;
  long overheadBytes;

  /** Taken back since the last reading began: nobody's until a later reading ends. */
  long unreadBytes;

  /** Taken back before the last reading began: nobody's until that reading ends. */
  long beingReadBytes;

  /** Host memory that is the tenant's already, whether its data is in it or nothing. */
  private long hostOwnBytes;

  /** What of that is in chunks that take any piece. */
  private long hostWholeBytes;

  boolean neverRead;
  boolean closed;

  Tenancy(DeviceBook device, String tenant, Share share) {
    this.device = device;
    this.tenant = tenant;
    this.share = share;
  }

  String tenant() {
    return tenant;
  }

  Share share() {
    return share;
  }

  /** What the driver holds, and what is kept for contexts that are on their way back. */
  long overheadBytes() {
    return Bytes.add(overheadBytes, slots.reservedBytes());
  }

  /** What the driver holds is so much from now on; credit goes where it was counted on. */
  void overhead(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("overhead " + bytes + " is negative");
    }
    overheadBytes = bytes;
    shrinkToFit();
  }

  Collection<Slot> slots() {
    return slots.all();
  }

  /** What the tenant uses beyond its request: lent to it. */
  long loanBytes() {
    return Math.max(0, Bytes.add(overheadBytes(), slots.claimBytes()) - share.requestBytes());
  }

  long demotedBytes() {
    return slots.demotedBytes();
  }

  void share(Share newShare) {
    share = newShare;
    shrinkToFit();
    grantAheadToLoneSlot();
  }

  /** Covered by credit, or the driver's: the device does not have it for anybody else. */
  long heldBytes() {
    return Bytes.add(overheadBytes(), slots.coveredBytes());
  }

  /** The same, and what waits for a reading. */
  long takenBytes() {
    return Bytes.add(heldBytes(), unreadBytes + beingReadBytes);
  }

  void hostOwn(long bytes, long wholeBytes) {
    hostOwnBytes = Math.max(0, bytes);
    hostWholeBytes = Math.max(0, wholeBytes);
  }

  /**
   * What is lent to the tenant finds room in so much host memory that is its own. Chunks of other
   * sizes may not fit what has to move; and its data may be in either.
   */
  long backingBytes() {
    return Math.max(0, hostWholeBytes - demotedBytes());
  }

  /** What new host memory it takes to have back what is lent to the tenant. */
  long unbackedBytes() {
    return Math.max(0, loanBytes() - backingBytes());
  }

  /** What new host memory it takes to swap the tenant out, beyond what its loan takes anyhow. */
  long swapNeedBytes() {
    long emptyBytes = Math.max(0, hostOwnBytes - demotedBytes());
    return Math.max(0, demandableBytes() - emptyBytes) - unbackedBytes();
  }

  /** Has every process leave that can; answers what is to come of that. */
  long leave() {
    return slots.all().stream().filter(slot -> slot.canLeave(false)).mapToLong(Slot::leave).sum();
  }

  /** What could be had of it if it left. */
  long demandableBytes() {
    return slots.demandableBytes();
  }

  /** What processes have still to give back of what was demanded of them. */
  long outstandingBytes() {
    return slots.outstandingBytes();
  }

  /** The same, with what is there by now and has not been noticed. */
  long owedBytes() {
    return slots.owedBytes();
  }

  /** What its asks were granted and its processes do not use yet. */
  long promisedBytes() {
    return slots.promisedBytes();
  }

  /**
   * What cannot be taken back from the tenant whatever is done; what the driver has taken off the
   * device needs its place again.
   */
  long fixedBytes() {
    return Bytes.add(Math.max(0, heldBytes() - slots.looseBytes()), slots.sunkBytes());
  }

  /**
   * Whether what does not move has its place within the request, and all that the tenant has within
   * the limit.
   *
   * @param leaving its data in host memory has no need of any; null: all data has
   */
  boolean fits(long requestBytes, long limitBytes, @Nullable Slot leaving) {
    long usedBytes = Bytes.add(overheadBytes(), slots.claimBytes());
    return fixedBytes() <= requestBytes && Bytes.add(usedBytes, outBytes(leaving)) <= limitBytes;
  }

  /**
   * Whether who is off the device could come back to another share: to what it comes back to, as
   * far as that is within the present one.
   */
  boolean couldComeBackTo(Share newShare) {
    long requestBytes = newShare.requestBytes();
    long limitBytes = newShare.limitBytes();
    return slots.sunkBytes() == 0
        || fits(
            requestBytes < share.requestBytes() ? requestBytes : Long.MAX_VALUE,
            limitBytes < share.limitBytes() ? limitBytes : Long.MAX_VALUE,
            null);
  }

  /** What could be granted now as far as the limit goes; what is in host memory counts, too. */
  long leftBytes() {
    return leftBytes(null);
  }

  /**
   * The same.
   *
   * @param returning a process whose data in host memory is what it is to be granted room for
   */
  long leftBytes(@Nullable Slot returning) {
    long leftBytes = share.limitBytes() - Bytes.add(takenBytes(), outBytes(returning));
    return neverRead ? Math.min(0, leftBytes) : leftBytes;
  }

  /** What could be granted after a reading, if it shows the same overhead. */
  long afterReadingBytes(@Nullable Slot returning) {
    return share.limitBytes() - Bytes.add(heldBytes(), outBytes(returning));
  }

  /** What is off the device and has its place within the limit all the same. */
  private long outBytes(@Nullable Slot returning) {
    return Bytes.add(slots.outBytes(returning), slots.sunkBytes());
  }

  /** Whether anything may be granted to it now. */
  boolean mayGrow() {
    return !closed && !neverRead;
  }

  /** Whether the tenant has been ended: its processes get no chunks any more. */
  boolean isClosed() {
    return closed;
  }

  boolean isLone() {
    return slots.lone() != null;
  }

  /** Notices what processes have given back of what was demanded of them; answers how much. */
  long recover() {
    long recoveredBytes = 0;
    for (Slot slot : slots.all()) {
      slot.noticeReturn();
      slot.noticeUse();
      recoveredBytes += slot.demanded ? slot.takeUnused(Long.MAX_VALUE) : 0;
    }
    unreadBytes += recoveredBytes;
    return recoveredBytes;
  }

  /**
   * Takes back at least wantedBytes of unused credit if there are so many, from those who leave
   * most unused. What is taken waits for a reading.
   *
   * @param ahead take half of what each leaves unused where that is more: spares the asker the next
   *     question
   * @return what was taken
   */
  long takeUnused(long wantedBytes, boolean ahead, Set<Slot> spared) {
    long takenBytes = Reclaim.takeUnused(slots.all(), wantedBytes, ahead, spared);
    unreadBytes += takenBytes;
    return takenBytes;
  }

  /** The same for another tenant: nothing is granted ahead any more until a process asks. */
  long takeUnusedForOthers(long wantedBytes, Set<Slot> spared) {
    slots.all().forEach(slot -> slot.trimmed |= !spared.contains(slot));
    return takeUnused(wantedBytes, true, spared);
  }

  AskResult.Refused overLimit(long wantedBytes) {
    String wanted = wantedBytes < 0 ? "more than can exist" : ByteText.of(wantedBytes);
    return new AskResult.Refused(
        AskResult.Cause.LIMIT,
        wanted
            + " would pass the limit of "
            + ByteText.of(share.limitBytes())
            + ": "
            + ByteText.of(overheadBytes())
            + " are the driver's, the processes have "
            + ByteText.of(slots.creditBytes())
            + " of credit");
  }

  void grantAheadToLoneSlot() {
    Slot lone = slots.lone();
    if (lone != null && !closed && !device.isStopped()) {
      long requestLeftBytes = share.requestBytes() - Bytes.add(takenBytes(), outBytes(null));
      long aheadBytes =
          Math.min(Math.min(requestLeftBytes, leftBytes()), device.roomBytes(this, false));
      if (aheadBytes > 0 && !lone.demanded && !lone.trimmed) {
        lone.grant(aheadBytes);
      }
    }
  }

  void shrinkToFit() {
    long overBytes = heldBytes() - share.limitBytes();
    if (overBytes > 0) {
      takeUnused(overBytes, false, Set.of());
    }
    device.shrinkToFit();
  }
}
