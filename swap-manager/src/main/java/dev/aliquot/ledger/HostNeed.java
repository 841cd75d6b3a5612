package dev.aliquot.ledger;

/**
 * How much host memory may be made for one process, so that it can move out of the way what is
 * demanded of it. That is what has been demanded since the demand in force began, and a piece more
 * for each time that something was when nothing was outstanding, for a piece moves as a whole. It
 * never is more than the process could hold when the demand began. Nothing that the process says
 * makes it more.
 */
final class HostNeed {
  private static final long UNKNOWN = -1;

  private long demandedBytes;
  private long pieces;
  private long heldBytes;

  /** Made for the process before the demand began. */
  private long beforeBytes = UNKNOWN;

  /**
   * A demand begins.
   *
   * @param coveredBytes the most that the process can hold
   */
  void begin(long coveredBytes) {
    demandedBytes = 0;
    pieces = 0;
    heldBytes = coveredBytes;
    beforeBytes = UNKNOWN;
  }

  /**
   * So much is demanded, or so much more.
   *
   * @param met whether nothing was outstanding
   */
  void add(long bytes, boolean met) {
    demandedBytes = Bytes.add(demandedBytes, bytes);
    pieces += met ? 1 : 0;
  }

  /**
   * The most that may have been made for the process in all.
   *
   * @param madeBytes what has been made for it; to be asked before anything is made for the demand
   */
  long mostBytes(long madeBytes, long pieceBytes) {
    if (beforeBytes == UNKNOWN) {
      beforeBytes = madeBytes;
    }
    return beforeBytes + Math.min(heldBytes, Bytes.add(demandedBytes, pieces * pieceBytes));
  }
}
