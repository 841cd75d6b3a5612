package dev.aliquot.bench;

import java.util.List;

/**
 * What two programs did that both worked all the time on a device that has room for one of them:
 * from one exchange to a later one, so that there are as many turns as exchanges.
 *
 * @param oneRounds of the one program
 * @param twoRounds of the other
 * @param busRounds of either, made with data in host memory, which are not among the above
 * @param exchanges how often one left; fewer than were wanted where that took too long
 * @param standstillMillis an exchange: from the last round of who leaves to the first of who comes
 * @param longestWaitMillis between two rounds of one program
 */
record Turns(
    double seconds,
    long oneRounds,
    long twoRounds,
    long busRounds,
    int exchanges,
    double standstillMillis,
    double longestWaitMillis) {

  static final double GOAL = 0.85;

  /**
   * What they did by what they would have done one after the other in the same time.
   *
   * @param oneRate rounds per second of the one alone
   * @param twoRate of the other
   */
  double byOneAfterTheOther(double oneRate, double twoRate) {
    return (oneRounds / oneRate + twoRounds / twoRate) / seconds;
  }

  private double fairness() {
    long more = Math.max(oneRounds, twoRounds);
    return more == 0 ? 0 : Math.min(oneRounds, twoRounds) / (double) more;
  }

  List<Figure> figures(String suite, String what, double oneRate, double twoRate) {
    double rate = (oneRounds + twoRounds) / seconds;
    double alone = (oneRate + twoRate) / 2;
    return List.of(
        new Figure(suite, "together, " + what, rate, "1/s", alone, ""),
        new Figure(
            suite,
            "  by one after the other",
            byOneAfterTheOther(oneRate, twoRate),
            "x",
            null,
            ">= " + GOAL),
        new Figure(suite, "  smaller part by larger", fairness(), "x", null, ""),
        new Figure(suite, "  rounds over the bus, not counted", busRounds, "", null, ""),
        new Figure(suite, "  exchanges", exchanges, "", null, ""),
        new Figure(
            suite,
            "  one exchange and turn",
            seconds * 1e3 / Math.max(1, exchanges),
            "ms",
            null,
            ""),
        new Figure(suite, "  nobody works in an exchange", standstillMillis, "ms", null, ""),
        new Figure(suite, "  longest wait", longestWaitMillis, "ms", null, ""));
  }
}
