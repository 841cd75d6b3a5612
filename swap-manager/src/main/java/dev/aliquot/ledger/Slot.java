package dev.aliquot.ledger;

/**
 * What one process may hold of a device, and what it may hold still.
 *
 * <p>Invariant: covered >= credit. They differ only while a demand is in force: then the credit is
 * what the process is to come down to, and covered what it held when that was demanded, less what
 * it has given back since.
 *
 * <p>A process that is away has been told to give everything back that it can, and to stay at rest
 * until it has come back: for as long, the demand stands, whoever waits or not.
 */
final class Slot {
  final int index;
  private final SlotPort port;
  private final HostNeed hostNeed = new HostNeed();
  final Contexts contexts = new Contexts();
  long creditBytes;
  long coveredBytes;
  boolean demanded;
  boolean away;

  /** Others needed what was granted ahead: not granted ahead again before the process asks. */
  boolean trimmed;

  /** Has been asked to give back, and could not: not asked again for a while. */
  boolean stuck;

  /** What it waits for is data that is to come back while it runs, and not an ask. */
  boolean reclaims;

  private boolean hasParked;

  /** Credit that was given for data that is on its way back: not unused, though not used yet. */
  private long returningBytes;

  /** What was in host memory when that credit was given. */
  private long demotedAtGrantBytes;

  /** What an ask was granted for: up to there credit is not unused, though not used yet. */
  private long promisedBytes;

  private long changesAtPromise;
  private int promiseLooks;

  /** The port's word as it was when the demand in force began. */
  private int demandWake;

  private int idleLooks;
  private long lastClaimBytes;

  /** The most host memory that it had since the demand in force began. */
  private long mostHostBytes;

  Slot(int index, SlotPort port) {
    this.index = index;
    this.port = port;
  }

  /**
   * What the process claims, as far as it is covered: beyond that it is an unanswered ask. Whose
   * contexts are off the device holds what it held when they left.
   */
  long claimBytes() {
    long usedBytes = port.usedBytes(index);
    if (usedBytes < 0) {
      return coveredBytes;
    }
    long leastBytes = Math.max(promisedBytes, contexts.heldBytes());
    return Math.min(Math.max(Bytes.add(usedBytes, comingBytes()), leastBytes), coveredBytes);
  }

  /**
   * What it lacks before the driver may bring it back: room for its contexts, and cover for what it
   * held beside them.
   */
  long missingBytes() {
    long heldBytes = Math.max(0, contexts.heldBytes() - coveredBytes);
    return Bytes.add(contexts.missingBytes(), heldBytes);
  }

  /** What it was granted and has not used yet: it will, or it is unused before long. */
  long promisedBytes() {
    long usedBytes = port.usedBytes(index);
    return usedBytes < 0 ? 0 : Math.max(0, claimBytes() - Bytes.add(usedBytes, comingBytes()));
  }

  /** What is not unused for what comes back to the device. */
  private long comingBytes() {
    return Bytes.add(returningBytes(), contexts.wantedBytes());
  }

  /** What of the data that credit was given for is not back yet. */
  long returningBytes() {
    return returningBytes == 0 ? 0 : Math.min(returningBytes, demotedBytes());
  }

  /** What it has in host memory and no credit for: data on its way back has its place already. */
  long outBytes() {
    long demotedBytes = demotedBytes();
    long backBytes = Math.max(0, demotedAtGrantBytes - demotedBytes);
    return Math.max(0, demotedBytes - Math.max(0, returningBytes - backBytes));
  }

  /** What it could give up at once. */
  long unusedBytes() {
    return coveredBytes - claimBytes();
  }

  /** What is still to come of what was demanded. */
  long outstandingBytes() {
    return demanded && !stuck ? Math.max(0, claimBytes() - creditBytes) : 0;
  }

  /** The same, with what is there by now and has not been noticed: so much of it is held still. */
  long owedBytes() {
    return demanded && !stuck ? coveredBytes - creditBytes : 0;
  }

  /** What else could be demanded of it. */
  long demandableBytes() {
    if (stuck) {
      return 0;
    }
    long claimBytes = claimBytes();
    long movableBytes = Bytes.add(Math.max(0, port.movableBytes(index)), returningBytes());
    return Math.max(0, Math.min(movableBytes, claimBytes) - outstandingBytes());
  }

  /** What it has and could not be had of it. */
  long fixedBytes() {
    return claimBytes() - demandableBytes();
  }

  long demotedBytes() {
    return Math.max(0, port.demotedBytes(index));
  }

  /** Raises the credit, and with it what was demanded of the process. */
  void grant(long bytes) {
    long newCreditBytes = creditBytes + bytes;
    set(newCreditBytes, Math.max(coveredBytes, newCreditBytes));
    if (demanded) {
      demanded = away || newCreditBytes < coveredBytes;
      port.writeResident(index, demanded ? newCreditBytes : SlotPort.RESIDENT_ALL);
    }
  }

  /**
   * What is published as covered is never less than the published credit, nor than what it held
   * when the driver took that off the device: the next agent is to know.
   */
  void set(long newCreditBytes, long newCoveredBytes) {
    long beforeBytes = coveredBytes;
    coveredBytes = newCoveredBytes;
    if (newCoveredBytes > beforeBytes) {
      publishCovered();
    }
    if (creditBytes != newCreditBytes) {
      creditBytes = newCreditBytes;
      port.writeCredit(index, newCreditBytes);
    }
    if (newCoveredBytes < beforeBytes) {
      publishCovered();
    }
  }

  private void publishCovered() {
    port.writeCovered(index, Math.max(coveredBytes, contexts.heldBytes()));
  }

  /**
   * Lowers the credit first and looks at used after that, so that the process sees the one or this
   * the other.
   *
   * @return what was taken; less than asked where it is in use
   */
  long takeUnused(long bytes) {
    long beforeBytes = coveredBytes;
    long wantedBytes = coveredBytes - Math.min(bytes, unusedBytes());
    long newCreditBytes = Math.min(creditBytes, wantedBytes);
    set(newCreditBytes, beforeBytes);
    long heldBytes = Math.max(wantedBytes, claimBytes());
    set(demanded ? newCreditBytes : heldBytes, heldBytes);
    return beforeBytes - heldBytes;
  }

  /** Has the process come down by so many bytes. */
  void demand(long bytes) {
    boolean anew = !demanded;
    if (anew) {
      hostNeed.begin(coveredBytes);
      mostHostBytes = port.hostBytes(index);
    }
    if (bytes > 0) {
      hostNeed.add(bytes, outstandingBytes() == 0);
    }
    long targetBytes = Math.max(0, Math.min(creditBytes, claimBytes()) - bytes);
    // what is not back yet, or not in use yet, is the first to be had
    returningBytes = 0;
    promisedBytes = 0;
    demanded = true;
    set(targetBytes, coveredBytes);
    port.writeResident(index, targetBytes);
    if (anew) {
      demandWake = port.wake(index);
    }
  }

  /** What host memory may have been made for the process in all; see {@link HostNeed}. */
  long mostHostBytes(long madeBytes, long pieceBytes) {
    return demanded ? hostNeed.mostBytes(madeBytes, pieceBytes) : madeBytes;
  }

  /** Whether a process that last woke at this word knew of the demand in force. */
  boolean isDemandedSince(int wake) {
    return demanded && wake - demandWake >= 0;
  }

  /**
   * Whether it is here, and has anything that moves.
   *
   * @param whole or is to leave whatever it has: the driver takes off what does not move
   */
  boolean canLeave(boolean whole) {
    return !away && (demandableBytes() > 0 || (whole && !stuck));
  }

  /**
   * Has the process move everything off the device that it can, and stay at rest.
   *
   * @return how much is to come of that
   */
  long leave() {
    long bytes = demandableBytes();
    away = true;
    hasParked = false;
    port.writeAway(index, true);
    demand(bytes);
    demandWake = port.wake(index);
    return bytes;
  }

  /** As an earlier agent had it; whether the process is away now is for it to say. */
  void restoreAway(boolean wasAway) {
    away = wasAway;
    hasParked = wasAway;
    noticeReturn();
  }

  /**
   * A process that was let run could not: it is away as before, and keeps nothing for its data.
   *
   * @return what was taken
   */
  long leaveAgain() {
    returned();
    endPromise();
    long takenBytes = takeUnused(Long.MAX_VALUE);
    if (!away) {
      leave();
    }
    return takenBytes + uncover();
  }

  /** The driver has taken all of it off the device: nothing of that is held any more. */
  long sunk() {
    contexts.left();
    return uncover();
  }

  /**
   * What the driver has taken off the device needs no cover before it comes back.
   *
   * @return what was covered
   */
  long uncover() {
    long bytes = contexts.areOff() ? coveredBytes : 0;
    if (bytes > 0) {
      set(0, 0);
    }
    return bytes;
  }

  /** What a process that is on its way out still holds, it keeps: it is wanted back. */
  void stay() {
    set(coveredBytes, coveredBytes);
  }

  /** Lets the process run again, with what it may hold by now. */
  void comeBack() {
    if (away) {
      away = false;
      port.writeAway(index, false);
      release();
    }
  }

  /** What the process has credit for and does not use is for its data that is to come back. */
  void expectReturn() {
    returningBytes = 0;
    returningBytes = unusedBytes();
    demotedAtGrantBytes = demotedBytes();
  }

  /** An ask has been granted: nobody else gets that before the process can use it. */
  void promise(long usedBytes) {
    changesAtPromise = port.changes(index);
    promisedBytes = port.usedBytes(index) >= usedBytes ? 0 : usedBytes;
    promiseLooks = 0;
  }

  /** The process uses what it was granted, or does without. */
  void endPromise() {
    promisedBytes = 0;
  }

  /** Notices that a process uses what it was granted, or has and does not any more. */
  void noticeUse() {
    if (promisedBytes != 0
        && (port.usedBytes(index) >= promisedBytes || port.changes(index) - changesAtPromise > 1)) {
      endPromise();
    }
  }

  /** A process that does not use what it was granted for that many calls does without it. */
  void checkPromise(int patience) {
    noticeUse();
    promiseLooks++;
    if (promiseLooks >= patience) {
      endPromise();
    }
  }

  /** All that could come back has. */
  void returned() {
    returningBytes = 0;
  }

  /** Notices that a process has come back by itself: no agent was there to ask. */
  void noticeReturn() {
    if (away) {
      boolean parked = port.isParked(index);
      if (hasParked && !parked) {
        comeBack();
      }
      hasParked |= parked;
    }
  }

  /** The process could not do what was demanded of it. */
  void failed() {
    stuck = true;
    if (away && !port.isParked(index)) {
      comeBack();
    }
    release();
  }

  /** Has the process look at its credit: data of its can come back. */
  void wake() {
    port.writeResident(index, demanded ? creditBytes : SlotPort.RESIDENT_ALL);
  }

  /**
   * Counts how often nothing had been given back since the last look, nor taken to put it in: what
   * leaves as a whole is prepared for as a whole.
   */
  void checkDemand(int patience) {
    if (!demanded) {
      idleLooks = 0;
      return;
    }
    long claimBytes = claimBytes();
    long hostBytes = port.hostBytes(index);
    boolean stands = claimBytes == lastClaimBytes && hostBytes <= mostHostBytes;
    boolean owes = claimBytes > creditBytes || (away && !port.isParked(index));
    idleLooks = owes && stands ? idleLooks + 1 : 0;
    lastClaimBytes = claimBytes;
    mostHostBytes = Math.max(mostHostBytes, hostBytes);
    if (idleLooks >= patience) {
      stuck = true;
      if (away && !port.isParked(index)) {
        comeBack();
      }
    }
  }

  /** Takes a demand back: what the process holds still, it may hold. */
  void release() {
    if (demanded && !away) {
      demanded = false;
      set(coveredBytes, coveredBytes);
      port.writeResident(index, SlotPort.RESIDENT_ALL);
    }
  }
}
