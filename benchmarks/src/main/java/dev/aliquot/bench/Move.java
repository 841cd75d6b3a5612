package dev.aliquot.bench;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A tenant's data moved once, or that of two at once.
 *
 * @param bytes moved, both ways together
 * @param waitMillis until whoever waited for it could go on
 * @param copyMillis the copies alone, by the movers' own clock
 * @param closedMillis that programs were kept from submitting work
 */
record Move(double bytes, double waitMillis, double copyMillis, double closedMillis) {
  private static final double GIB = 1 << 30;

  /** The one that waited neither longest nor shortest. */
  static Move middle(Move... moves) {
    Move[] sorted = moves.clone();
    Arrays.sort(sorted, Comparator.comparingDouble(Move::waitMillis));
    return sorted[sorted.length / 2];
  }

  private double gibPerSecond(double millis) {
    return bytes / GIB / (millis / 1e3);
  }

  /** How long it took beside its copies. */
  List<Figure> wait(String suite, String name) {
    return List.of(
        new Figure(suite, name, waitMillis, "ms", copyMillis, ""),
        new Figure(
            suite, "  added per GiB", (waitMillis - copyMillis) / (bytes / GIB), "ms", null, ""));
  }

  /** Its rate beside that of the copies. */
  List<Figure> rate(String suite) {
    return List.of(
        new Figure(
            suite, "  rate", gibPerSecond(waitMillis), "GiB/s", gibPerSecond(copyMillis), ""),
        new Figure(suite, "  rate, by copies' rate", copyMillis / waitMillis, "x", null, ""),
        new Figure(suite, "  closed", closedMillis, "ms", copyMillis, ""));
  }
}
