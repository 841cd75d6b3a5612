package dev.aliquot.ledger;

/**
 * What the contexts of one process take of a device, while they are off it (deep): not there, and
 * wanted again before the process can run. Guarded by the device's lock.
 *
 * <p>Room for them is reserved before they come back: it is nobody else's from then on, and counts
 * as the driver's. A reading that shows them takes its place.
 *
 * <p>What the process holds beside them leaves and comes back with them; for that it is to be
 * covered again before.
 */
final class Contexts {
  private long missingBytes;
  private long reservedBytes;
  private long heldBytes;
  private boolean wanted;
  private boolean off;

  /**
   * They leave the device: so much has to be reserved before they come back.
   *
   * @param held what the process holds beside them, which leaves and comes back with them
   */
  void sink(long bytes, long held) {
    missingBytes = bytes;
    reservedBytes = 0;
    heldBytes = held;
    off = false;
  }

  /** The driver has taken them off the device, and all that the process holds there. */
  void left() {
    off = true;
  }

  /** Whether the driver has, as far as is known. */
  boolean areOff() {
    return off;
  }

  /** They are on the device, and in what is known of the driver's overhead. */
  void surfaced() {
    sink(0, 0);
  }

  /** What they lack to come back. */
  long missingBytes() {
    return missingBytes;
  }

  /** What the process holds beside them whatever it says, until they are on the device. */
  long heldBytes() {
    return heldBytes;
  }

  /** The room that is kept for them. */
  long reservedBytes() {
    return reservedBytes;
  }

  /** Whether what is missing is being asked for. */
  boolean areWanted() {
    return wanted;
  }

  /** What is being asked for them: what is granted of that is not unused. */
  long wantedBytes() {
    return wanted ? missingBytes : 0;
  }

  /** Whether what they lack is being asked for: then it is in the ask. */
  void want(boolean isWanted) {
    wanted = isWanted;
  }

  /** So much of what they lack is kept for them from now on. */
  void reserve(long bytes) {
    missingBytes -= bytes;
    reservedBytes += bytes;
  }

  /** They do not come back now: what was kept is free. */
  void release() {
    reserve(-reservedBytes);
  }
}
