package dev.aliquot.ledger;

/**
 * Processes of one tenant that leave a device with their contexts, by the driver: what is kept for
 * them while they are off it and on their way back. Thread-safe: every call is under the device's
 * lock.
 */
public final class DeepBook {
  private final DeviceBook device;
  private final Tenancy tenancy;
  private final SlotPort port;

  DeepBook(DeviceBook device, Tenancy tenancy, SlotPort port) {
    this.device = device;
    this.tenancy = tenancy;
    this.port = port;
  }

  /**
   * Whether a process that is away could come back with all that the driver would take off the
   * device: what it holds beside contexts is within the request, and nothing is beyond the limit.
   */
  public boolean couldComeBack(int slot) {
    synchronized (device) {
      Slot leaving = tenancy.slots.find(slot);
      boolean plain = leaving != null && leaving.claimBytes() > 0;
      return tenancy.fits(
          plain ? tenancy.share.requestBytes() : Long.MAX_VALUE,
          tenancy.share.limitBytes(),
          leaving);
    }
  }

  /**
   * The contexts of a process that is away are about to leave the device, and what else it holds
   * there with them: that stays covered until {@link #sunk}, whatever it reports, and from when it
   * is let back until {@link #surfaced}.
   *
   * @param bytes what the contexts take; {@link TenantBook#resume} has so much kept for them before
   *     it grants
   * @param truthBytes what the driver holds for the process in all: what it does not report of that
   *     is kept, too
   */
  public void sink(int slot, long bytes, long truthBytes) {
    synchronized (device) {
      Slot sinking = tenancy.slots.find(slot);
      if (sinking != null) {
        sinking.contexts.surfaced();
        long heldBytes = sinking.claimBytes();
        sink(sinking, Math.max(bytes, truthBytes - heldBytes), heldBytes);
      }
    }
  }

  /**
   * An earlier agent had the contexts of a process leave the device: it holds all that is covered.
   *
   * @param bytes what that agent had found them to take
   */
  public void restoreSunk(int slot, long bytes) {
    synchronized (device) {
      Slot sunk = tenancy.slots.find(slot);
      if (sunk != null) {
        sink(sunk, bytes, sunk.coveredBytes);
      }
    }
  }

  /**
   * The same for a process of whose slot nothing is known but what it says itself.
   *
   * @param bytes what contexts are expected to take
   */
  public void adoptSunk(int slot, long bytes) {
    synchronized (device) {
      Slot sunk = tenancy.slots.find(slot);
      if (sunk != null) {
        // what it has been granted ahead since is not there to come back
        sink(sunk, bytes, Math.clamp(port.usedBytes(slot), 0, tenancy.share.limitBytes()));
      }
    }
  }

  /**
   * The driver has taken a process off the device, after {@link #sink}: what it held there is free
   * after the next reading, and it needs room again before it comes back.
   */
  public void sunk(int slot) {
    synchronized (device) {
      Slot sunk = tenancy.slots.find(slot);
      if (sunk != null) {
        device.withdraw(tenancy, sunk);
        tenancy.unreadBytes += sunk.sunk();
      }
    }
  }

  /**
   * The contexts do not come back now, though there was room: that is free, and so is what was
   * granted for the process's data, and for what else it holds. It is away again.
   */
  public void sinkAgain(int slot) {
    synchronized (device) {
      Slot sinking = tenancy.slots.find(slot);
      if (sinking != null) {
        device.withdraw(tenancy, sinking);
        sinking.contexts.release();
        tenancy.unreadBytes += sinking.leaveAgain();
        device.staysAway(tenancy);
      }
    }
  }

  /**
   * The contexts of a process are on the device, and nothing is kept for them any more.
   *
   * @param overheadBytes as for {@link TenantBook#overhead}, with them in it
   */
  public void surfaced(int slot, long overheadBytes) {
    synchronized (device) {
      Slot surfaced = tenancy.slots.find(slot);
      if (surfaced != null) {
        surfaced.contexts.surfaced();
      }
      tenancy.overhead(overheadBytes);
    }
  }

  /** What has to be had still before the driver may bring a process back. */
  public long missingBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.missingBytes();
    }
  }

  /** The part of that which is for its contexts. */
  public long missingContextBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.contexts.missingBytes();
    }
  }

  /** What is kept for the contexts of a process, until {@link #surfaced}. */
  public long reservedContextBytes(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known == null ? 0 : known.contexts.reservedBytes();
    }
  }

  /**
   * Whether something is kept for a process, until {@link #surfaced}, that it may have on the
   * device again.
   */
  public boolean isSinking(int slot) {
    synchronized (device) {
      Slot known = tenancy.slots.find(slot);
      return known != null
          && (known.contexts.reservedBytes() > 0 || known.contexts.heldBytes() > 0);
    }
  }

  private static void sink(Slot sinking, long bytes, long heldBytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("contexts of " + bytes + " bytes");
    }
    sinking.contexts.sink(bytes, heldBytes);
  }
}
