package dev.aliquot.cli.screen;

/** A bar: filled in proportion, green, then yellow from 75 %, red from 95 %. */
final class Bar {
  private static final double WARM = 0.75;
  private static final double HOT = 0.95;

  private Bar() {}

  static String of(long part, long whole, int columns, Ansi ansi, boolean unicode) {
    double ratio = whole <= 0 ? 0 : Math.clamp((double) part / whole, 0, 1);
    int filled = (int) Math.round(ratio * columns);
    if (part > 0 && filled == 0) {
      filled = 1;
    }
    String full = (unicode ? "█" : "#").repeat(filled);
    String rest = (unicode ? "░" : ".").repeat(columns - filled);
    String painted =
        ratio >= HOT ? ansi.red(full) : ratio >= WARM ? ansi.yellow(full) : ansi.green(full);
    return painted + ansi.dim(rest);
  }
}
