package dev.aliquot.ledger;

import java.util.Optional;
import java.util.Set;

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
  private final SlotPort port;
  private final Tenancy tenancy;
  private final DeepBook deep;

  TenantBook(DeviceBook device, Tenancy tenancy, SlotPort port) {
    this.device = device;
    this.tenancy = tenancy;
    this.port = port;
    this.deep = new DeepBook(device, tenancy, port);
  }

  /** The part of it that is about processes whose contexts leave the device, too. */
  public DeepBook deep() {
    return deep;
  }

  /** A new process. Alone it gets what is left of the request, else nothing until it asks. */
  public void attach(int slot) {
    synchronized (device) {
      tenancy.slots.add(slot, port);
      port.writeCredit(slot, 0);
      port.writeCovered(slot, 0);
      tenancy.grantAheadToLoneSlot();
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
      Slot restored = tenancy.slots.add(slot, port);
      // More than the limit was never given: the page is damaged.
      long givenBytes = Math.min(creditBytes, tenancy.share.limitBytes());
      long usedBytes =
          demanded
              ? Math.min(
                  Math.max(0, port.usedBytes(slot)),
                  Math.min(coveredBytes, tenancy.share.limitBytes()))
              : 0;
      restored.creditBytes = creditBytes;
      restored.set(givenBytes, Math.max(givenBytes, usedBytes));
      restored.demanded = demanded || away;
      restored.restoreAway(away);
      restored.release();
      tenancy.neverRead = true;
      tenancy.shrinkToFit();
    }
  }

  /** The process is gone; what was its credit is free after the next reading. */
  public void detach(int slot) {
    synchronized (device) {
      Slot gone = tenancy.slots.remove(slot);
      if (gone != null) {
        tenancy.unreadBytes += gone.coveredBytes + gone.contexts.reservedBytes();
        port.writeCredit(slot, 0);
        port.writeCovered(slot, 0);
        device.withdraw(tenancy, gone);
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
      Slot asking = tenancy.slots.get(slot);
      if (wantedBytes >= 0 && wantedBytes <= asking.creditBytes) {
        asking.promise(wantedBytes);
        return new AskResult.Granted(asking.creditBytes);
      }
      if (tenancy.closed) {
        return new AskResult.Closed();
      }
      if (asking.missingBytes() > 0) {
        // what it holds already is not there: it comes back first
        return Refusals.away(wantedBytes);
      }
      return wantedBytes < 0 || wantedBytes > tenancy.share.limitBytes()
          ? tenancy.overLimit(wantedBytes)
          : device.ask(tenancy, asking, wantedBytes);
    }
  }

  /** An ask that was making room is given up; what the process waits for besides stands. */
  public void withdraw(int slot) {
    synchronized (device) {
      Slot asking = tenancy.slots.find(slot);
      if (asking != null && !asking.reclaims) {
        device.withdraw(tenancy, asking);
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
      return tenancy.recover() > 0;
    }
  }

  /** A process has brought back what it could, within its credit. */
  public void returned(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      if (known != null) {
        known.returned();
      }
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
      boolean gained = tenancy.recover() > 0;
      Slot moving = tenancy.slots.find(slot);
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
    return leave(slot, false);
  }

  /**
   * The same for a process that leaves whatever it has, for the driver is to take off the device
   * what does not move.
   */
  public boolean leaveWhole(int slot) {
    return leave(slot, true);
  }

  private boolean leave(int slot, boolean whole) {
    synchronized (device) {
      Slot leaving = tenancy.slots.find(slot);
      if (leaving != null && !tenancy.closed && leaving.canLeave(whole)) {
        leaving.leave();
      }
      return leaving != null && leaving.away;
    }
  }

  /** Whether a process is here with something that moves. */
  public boolean moves(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known != null && known.canLeave(false);
    }
  }

  /**
   * A process that is away is to run again. Granted: it may, with its data on the device as far as
   * there is room for it. Else as for {@link #ask}; {@link #comeBack} ends the wait.
   *
   * @param whole whether it waits for all of its data; else for what is within the request
   */
  public AskResult resume(int slot, boolean whole) {
    synchronized (device) {
      Slot returning = tenancy.slots.get(slot);
      boolean sunk = returning.missingBytes() > 0;
      if (tenancy.closed && !sunk) {
        returning.comeBack();
      }
      return returning.away || sunk
          ? device.resume(tenancy, returning, whole)
          : new AskResult.Granted(returning.creditBytes);
    }
  }

  /**
   * A process that is away runs again, with what it may hold: the rest of its data stays behind.
   * One that the driver has taken off the device and that has found no room stays.
   */
  public void comeBack(int slot) {
    synchronized (device) {
      Slot returning = tenancy.slots.find(slot);
      if (returning != null) {
        device.comeBack(tenancy, returning);
      }
    }
  }

  /** Whether the process has been told to be off the device. */
  public boolean isAway(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
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
      Slot moving = tenancy.slots.find(slot);
      return moving == null ? madeBytes : moving.mostHostBytes(madeBytes, pieceBytes);
    }
  }

  /** A reading of ground truth begins: what is taken back from now on waits for the next one. */
  public void beginReading() {
    synchronized (device) {
      tenancy.recover();
      tenancy.beingReadBytes += tenancy.unreadBytes;
      tenancy.unreadBytes = 0;
    }
  }

  /**
   * The reading that began last has ended.
   *
   * @param bytes what the driver holds for the tenant beyond what its processes report
   */
  public void endReading(long bytes) {
    synchronized (device) {
      tenancy.beingReadBytes = 0;
      tenancy.neverRead = false;
      overhead(bytes);
      tenancy.grantAheadToLoneSlot();
    }
  }

  /**
   * The overhead as far as it is known now, between readings; but for contexts that something is
   * kept for.
   */
  public void overhead(long bytes) {
    synchronized (device) {
      tenancy.overhead(bytes);
    }
  }

  /** Nothing new may be held from now on: every credit goes down to what is used. */
  public void close() {
    synchronized (device) {
      tenancy.closed = true;
      tenancy.slots.all().forEach(slot -> device.withdraw(tenancy, slot));
      tenancy.takeUnused(Long.MAX_VALUE, false, Set.of());
    }
  }

  public Share share() {
    synchronized (device) {
      return tenancy.share;
    }
  }

  /** What the driver holds, and what is kept for contexts on their way back. */
  public long overheadBytes() {
    synchronized (device) {
      return tenancy.overheadBytes();
    }
  }

  /** The sum over the slots: what they may hold without asking. */
  public long creditBytes() {
    synchronized (device) {
      return tenancy.slots.creditBytes();
    }
  }

  /** The slot's credit, 0 for a free one. */
  public long creditBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.creditBytes;
    }
  }

  /** The most that the slot can hold already: its credit, or more while it is coming down. */
  public long coveredBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.coveredBytes;
    }
  }

  /**
   * What the tenant keeps of what was lent to it while another tenant waits for it in vain, because
   * it cannot be moved or its process does not move it; of the process with most of it.
   */
  public Optional<Kept> kept() {
    synchronized (device) {
      return device.kept(tenancy);
    }
  }

  /** What the tenant uses beyond its request: lent to it. */
  public long loanBytes() {
    synchronized (device) {
      return tenancy.loanBytes();
    }
  }

  /** What the slot's process claims to have in host memory. */
  public long demotedBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.demotedBytes();
    }
  }

  /**
   * The tenant has had so much host memory made, which stays its own.
   *
   * @param wholeBytes what of it is in chunks of the largest size, which take any piece
   */
  public void hostOwn(long bytes, long wholeBytes) {
    synchronized (device) {
      tenancy.hostOwn(bytes, wholeBytes);
    }
  }

  public long demotedBytes() {
    synchronized (device) {
      return tenancy.demotedBytes();
    }
  }
}
