package dev.aliquot.ledger;

/**
 * The two pages, as one book sees them. Both calls are sequentially consistent towards the slot's
 * process: it adds to used and then reads its credit; the book writes a credit and then reads used.
 */
public interface SlotPort {

  /** What the process claims to hold or to be about to take. Any value: it is a claim. */
  long usedBytes(int slot);

  /** Publishes the slot's credit. */
  void writeCredit(int slot, long creditBytes);
}
