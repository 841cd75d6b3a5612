package dev.aliquot.ledger;

import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the processes (slots) of one tenant may hold on one device. Thread-safe: every call is under
 * the device's lock.
 *
 * <p>Invariant: sum(covered) + overhead never exceeds the limit, except where the overhead alone,
 * which nobody can refuse, or a lowered limit has pushed it over; then every credit is down to what
 * its process uses and every ask is refused until it fits again.
 *
 * <p>A lone slot is granted ahead what is left of the request, so that it never asks within it.
 * Credit that a process does not use is taken back when another needs it: the credit is lowered
 * first and used is read after that; when used turns out higher, the difference is given back. The
 * process does the reverse, so one of the two always sees the other.
 *
 * <p>What was taken back, or left by a process that ended, is not handed on before the next reading
 * of ground truth: its process may just have moved memory from its report to the driver's side (a
 * new context), and only a reading that began afterwards shows that.
 */
public final class TenantBook {
  private final DeviceBook device;
  private final String tenant;
  private final SlotPort port;
  private final Slots slots = new Slots();
  private Share share;
  private long overheadBytes;

  /** Taken back since the last reading began: nobody's until a later reading ends. */
  private long unreadBytes;

  /** Taken back before the last reading began: nobody's until that reading ends. */
  private long beingReadBytes;

  /**
   * Host memory that is the tenant's already: what it lends or swaps out finds room there first.
   */
  private long hostIdleBytes;

  private boolean neverRead;
  private boolean closed;

  TenantBook(DeviceBook device, String tenant, Share share, SlotPort port) {
    this.device = device;
    this.tenant = tenant;
    this.share = share;
    this.port = port;
  }

  /** A new process. Alone it gets what is left of the request, else nothing until it asks. */
  public void attach(int slot) {
    synchronized (device) {
      slots.add(slot, port);
      port.writeCredit(slot, 0);
      port.writeCovered(slot, 0);
      grantAheadToLoneSlot();
    }
  }

  /**
   * A process that an earlier agent had given this much credit; it may hold it already, so it
   * stands. Nothing more is granted before the first reading of ground truth.
   *
   * @param coveredBytes the most that it could hold, as published; more than the credit while it
   *     was giving back
   * @param demanded whether an earlier agent wanted something back: then what it holds still stands
   * @param away whether an earlier agent had swapped it out: it stays away, if it is
   */
  public void restore(
      int slot, long creditBytes, long coveredBytes, boolean demanded, boolean away) {
    synchronized (device) {
      if (creditBytes < 0 || coveredBytes < 0) {
        throw new IllegalArgumentException(
            "slot " + slot + " cannot be restored with " + creditBytes + " bytes");
      }
      Slot restored = slots.add(slot, port);
      // More than the limit was never given: the page is damaged.
      long givenBytes = Math.min(creditBytes, share.limitBytes());
      long usedBytes =
          demanded
              ? Math.min(
                  Math.max(0, port.usedBytes(slot)), Math.min(coveredBytes, share.limitBytes()))
              : 0;
      restored.creditBytes = creditBytes;
      restored.set(givenBytes, Math.max(givenBytes, usedBytes));
      restored.demanded = demanded || away;
      restored.restoreAway(away);
      restored.release();
      neverRead = true;
      shrinkToFit();
    }
  }

  /** The process is gone; what was its credit is free after the next reading. */
  public void detach(int slot) {
    synchronized (device) {
      Slot gone = slots.remove(slot);
      if (gone != null) {
        unreadBytes += gone.coveredBytes;
        port.writeCredit(slot, 0);
        port.writeCovered(slot, 0);
        device.withdraw(this, gone);
      }
    }
  }

  /**
   * A process wants its used to reach wantedBytes.
   *
   * @param wantedBytes unsigned: a value above {@link Long#MAX_VALUE} is refused like any that is
   *     too large
   */
  public AskResult ask(int slot, long wantedBytes) {
    synchronized (device) {
      Slot asking = slots.get(slot);
      if (wantedBytes >= 0 && wantedBytes <= asking.creditBytes) {
        return new AskResult.Granted(asking.creditBytes);
      }
      if (closed) {
        return new AskResult.Closed();
      }
      return wantedBytes < 0 || wantedBytes > share.limitBytes()
          ? overLimit(wantedBytes)
          : device.ask(this, asking, wantedBytes);
    }
  }

  /** An ask that was making room is given up. */
  public void withdraw(int slot) {
    synchronized (device) {
      Slot asking = slots.find(slot);
      if (asking != null) {
        device.withdraw(this, asking);
      }
    }
  }

  /**
   * A process has done what was demanded of it.
   *
   * @return whether anything has been given back since that was looked at last
   */
  public boolean moved() {
    synchronized (device) {
      return recover() > 0;
    }
  }

  /**
   * A process has done what it could of what was demanded of it, and that was not all.
   *
   * @param wake {@link SlotPort#wake} as the process saw it before it began: of a demand that began
   *     later it says nothing
   * @return whether anything has been given back, or is not waited for any more
   */
  public boolean couldNotMove(int slot, int wake) {
    synchronized (device) {
      boolean gained = recover() > 0;
      Slot moving = slots.find(slot);
      if (moving == null || !moving.isDemandedSince(wake)) {
        return gained;
      }
      boolean news = !moving.stuck;
      moving.failed();
      return gained || news;
    }
  }

  /**
   * Has a process move everything off the device that it can, and stay at rest until it resumes.
   *
   * @return whether it is away, or on its way; one that has nothing that moves runs on
   */
  public boolean leave(int slot) {
    synchronized (device) {
      Slot leaving = slots.find(slot);
      if (leaving != null && !closed && leaving.canLeave()) {
        leaving.leave();
      }
      return leaving != null && leaving.away;
    }
  }

  /**
   * A process that is away is to run again. Granted: it may, with its data on the device as far as
   * there is room for it. Else as for {@link #ask}; {@link #comeBack} ends the wait.
   */
  public AskResult resume(int slot) {
    synchronized (device) {
      Slot returning = slots.get(slot);
      if (closed) {
        returning.comeBack();
      }
      return returning.away
          ? device.resume(this, returning)
          : new AskResult.Granted(returning.creditBytes);
    }
  }

  /**
   * A process that is away runs again, with what it may hold: the rest of its data stays behind.
   */
  public void comeBack(int slot) {
    synchronized (device) {
      Slot returning = slots.find(slot);
      if (returning != null) {
        device.withdraw(this, returning);
        returning.comeBack();
      }
    }
  }

  /** Whether the process has been told to be off the device. */
  public boolean isAway(int slot) {
    synchronized (device) {
      Slot known = slots.find(slot);
      return known != null && known.away;
    }
  }

  /**
   * The most host memory that may have been made for a process in all: for what is demanded of it,
   * and nothing new where nothing is.
   *
   * @param madeBytes what has been made for it so far
   * @param pieceBytes the largest piece that is moved as a whole
   */
  public long mostHostBytes(int slot, long madeBytes, long pieceBytes) {
    synchronized (device) {
      Slot moving = slots.find(slot);
      return moving == null ? madeBytes : moving.mostHostBytes(madeBytes, pieceBytes);
    }
  }

  /** A reading of ground truth begins: what is taken back from now on waits for the next one. */
  public void beginReading() {
    synchronized (device) {
      recover();
      beingReadBytes += unreadBytes;
      unreadBytes = 0;
    }
  }

  /**
   * The reading that began last has ended.
   *
   * @param bytes what the driver holds for the tenant beyond what its processes report
   */
  public void endReading(long bytes) {
    synchronized (device) {
      beingReadBytes = 0;
      neverRead = false;
      overhead(bytes);
      grantAheadToLoneSlot();
    }
  }

  /** The overhead as far as it is known now, between readings. */
  public void overhead(long bytes) {
    synchronized (device) {
      if (bytes < 0) {
        throw new IllegalArgumentException("overhead " + bytes + " is negative");
      }
      overheadBytes = bytes;
      shrinkToFit();
    }
  }

  /** Nothing new may be held from now on: every credit goes down to what is used. */
  public void close() {
    synchronized (device) {
      closed = true;
      slots.all().forEach(slot -> device.withdraw(this, slot));
      takeUnused(Long.MAX_VALUE, false, Set.of());
    }
  }

  public Share share() {
    synchronized (device) {
      return share;
    }
  }

  public long overheadBytes() {
    synchronized (device) {
      return overheadBytes;
    }
  }

  /** The sum over the slots: what they may hold without asking. */
  public long creditBytes() {
    synchronized (device) {
      return slots.creditBytes();
    }
  }

  /** The slot's credit, 0 for a free one. */
  public long creditBytes(int slot) {
    synchronized (device) {
      Slot known = slots.find(slot);
      return known == null ? 0 : known.creditBytes;
    }
  }

  /** The most that the slot can hold already: its credit, or more while it is coming down. */
  public long coveredBytes(int slot) {
    synchronized (device) {
      Slot known = slots.find(slot);
      return known == null ? 0 : known.coveredBytes;
    }
  }

  /**
   * What the tenant keeps of what was lent to it while another tenant waits for it in vain, because
   * it cannot be moved or its process does not move it; of the process with most of it.
   */
  public Optional<Kept> kept() {
    synchronized (device) {
      return device.kept(this);
    }
  }

  /** What the tenant uses beyond its request: lent to it. */
  public long loanBytes() {
    synchronized (device) {
      return Math.max(0, Bytes.add(overheadBytes, slots.claimBytes()) - share.requestBytes());
    }
  }

  /** What the slot's process claims to have in host memory. */
  public long demotedBytes(int slot) {
    synchronized (device) {
      Slot known = slots.find(slot);
      return known == null ? 0 : known.demotedBytes();
    }
  }

  /**
   * The tenant has so much host memory of its own, from when its data was out, that is empty now.
   */
  public void hostIdle(long bytes) {
    synchronized (device) {
      hostIdleBytes = Math.max(0, bytes);
    }
  }

  public long demotedBytes() {
    synchronized (device) {
      return slots.demotedBytes(null);
    }
  }

  // ---- for the device's book, under its lock

  String tenant() {
    return tenant;
  }

  Collection<Slot> slots() {
    return slots.all();
  }

  void share(Share newShare) {
    share = newShare;
    shrinkToFit();
    grantAheadToLoneSlot();
  }

  /** Covered by credit, or the driver's: the device does not have it for anybody else. */
  long heldBytes() {
    return Bytes.add(overheadBytes, slots.coveredBytes());
  }

  /** The same, and what waits for a reading. */
  long takenBytes() {
    return Bytes.add(heldBytes(), unreadBytes + beingReadBytes);
  }

  long hostIdleBytes() {
    return hostIdleBytes;
  }

  /** What new host memory it takes to have back what is lent to the tenant. */
  long unbackedBytes() {
    return Math.max(0, loanBytes() - hostIdleBytes);
  }

  /** What new host memory it takes to swap the tenant out, beyond what its loan takes anyhow. */
  long swapNeedBytes() {
    return Math.max(0, demandableBytes() - hostIdleBytes) - unbackedBytes();
  }

  /** Has every process leave that can; answers what is to come of that. */
  long leave() {
    return slots.all().stream().filter(Slot::canLeave).mapToLong(Slot::leave).sum();
  }

  /** What could be had of it if it left. */
  long demandableBytes() {
    return slots.demandableBytes();
  }

  /** What processes have still to give back of what was demanded of them. */
  long outstandingBytes() {
    return slots.outstandingBytes();
  }

  /** What cannot be taken back from the tenant whatever is done. */
  long fixedBytes() {
    return Math.max(0, heldBytes() - slots.looseBytes());
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
    long leftBytes = share.limitBytes() - Bytes.add(takenBytes(), slots.demotedBytes(returning));
    return neverRead ? Math.min(0, leftBytes) : leftBytes;
  }

  /** What could be granted after a reading, if it shows the same overhead. */
  long afterReadingBytes(@Nullable Slot returning) {
    return share.limitBytes() - Bytes.add(heldBytes(), slots.demotedBytes(returning));
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
            + ByteText.of(overheadBytes)
            + " are the driver's, the processes have "
            + ByteText.of(creditBytes())
            + " of credit");
  }

  private void grantAheadToLoneSlot() {
    Slot lone = slots.lone();
    if (lone != null && !closed && !device.isStopped()) {
      long requestLeftBytes = share.requestBytes() - Bytes.add(takenBytes(), demotedBytes());
      long aheadBytes =
          Math.min(Math.min(requestLeftBytes, leftBytes()), device.roomBytes(this, false));
      if (aheadBytes > 0 && !lone.demanded && !lone.trimmed) {
        lone.grant(aheadBytes);
      }
    }
  }

  private void shrinkToFit() {
    long overBytes = heldBytes() - share.limitBytes();
    if (overBytes > 0) {
      takeUnused(overBytes, false, Set.of());
    }
    device.shrinkToFit();
  }
}
