package dev.aliquot.ledger;

/**
 * What the driver holds for one process on one device beyond what the process reports: ground truth
 * less the report.
 *
 * <p>A process raises its report before the driver takes memory and lowers it after the driver has
 * given it back, so a reading in between is too low. It says while that may be so (in flight).
 * Hence: a reading during which nothing was in flight and nothing changed is exact and counts as it
 * is; any other can only raise the overhead. A process that never stands still keeps its highest
 * overhead and so harms only itself.
 */
public final class OverheadRule {
  private long overheadBytes;

  /**
   * What a process reported at one moment.
   *
   * @param usedBytes 0 where the report is void; negative counts as 0
   * @param changes its change counter
   * @param inFlight driver calls whose outcome is not in the report yet
   */
  public record Claim(long usedBytes, long changes, long inFlight) {}

  /**
   * One reading.
   *
   * @param truthBytes ground truth
   * @param before the report, read before ground truth
   * @param after the same, read after it
   * @return whether the reading was exact
   */
  public boolean reading(long truthBytes, Claim before, Claim after) {
    boolean exact =
        before.inFlight() == 0 && after.inFlight() == 0 && before.changes() == after.changes();
    long reportedBytes = Math.max(0, Math.max(before.usedBytes(), after.usedBytes()));
    long readingBytes = Math.max(0, truthBytes - reportedBytes);
    long highestBytes = Math.max(overheadBytes, readingBytes);
    // more than the driver holds for the process nobody can hold beside its report
    overheadBytes = exact ? readingBytes : Math.min(Math.max(0, truthBytes), highestBytes);
    return exact;
  }

  /** The overhead that counts now. */
  public long overheadBytes() {
    return overheadBytes;
  }
}
