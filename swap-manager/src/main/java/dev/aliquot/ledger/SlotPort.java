package dev.aliquot.ledger;

/**
 * The two pages, as one book sees them. Calls are sequentially consistent towards the slot's
 * process: it adds to used and then reads its credit; the book writes a credit and then reads used.
 * Called under the device's lock: must neither block nor call the ledger.
 */
public interface SlotPort {

  /** What the process claims to hold or to be about to take. Any value: it is a claim. */
  long usedBytes(int slot);

  /**
   * A number that the process says has grown with every change of used, once before it and once
   * after it. Any value.
   */
  long changes(int slot);

  /** The part of used that the process claims could be demoted. Any value. */
  long movableBytes(int slot);

  /** What the process claims to have in host memory. Any value. */
  long demotedBytes(int slot);

  /** What host memory the process has been given and has not given back; by the agent's count. */
  long hostBytes(int slot);

  /** Publishes the slot's credit. */
  void writeCredit(int slot, long creditBytes);

  /** Publishes the most that the process can hold, for whoever takes the book over. */
  void writeCovered(int slot, long coveredBytes);

  /**
   * Publishes the most of used that may stay on the device, and has the process look at it and at
   * its credit.
   *
   * @param residentBytes {@link #RESIDENT_ALL} where nobody wants anything back
   */
  void writeResident(int slot, long residentBytes);

  /**
   * Publishes whether the process is to be off the device, at rest. Written before what it is to
   * come down to, which has it look.
   */
  void writeAway(int slot, boolean away);

  /** Whether the process claims to be away, at rest. */
  boolean isParked(int slot);

  /**
   * A word that grows, modulo 2^32, with each {@link #writeResident}: what the process wakes at.
   */
  int wake(int slot);

  long RESIDENT_ALL = -1;
}
