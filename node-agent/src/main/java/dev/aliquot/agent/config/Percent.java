package dev.aliquot.agent.config;

import java.util.regex.Pattern;

/** Percentages: {@code 25}, {@code 25%}, {@code 2.5 %}. Pure functions, safe from any thread. */
public final class Percent {
  /** What is accepted, for error messages. */
  public static final String ALLOWED = "a percentage from 0 to 100 such as 25 or 2.5%";

  private static final Pattern SHAPE = Pattern.compile("([0-9]{1,3}(?:\\.[0-9]{1,9})?)\\s*%?");

  private Percent() {}

  /**
   * Parses a percentage.
   *
   * @return 0..100
   * @throws IllegalArgumentException with a sentence that names the text and what is allowed
   */
  public static double parse(String text) {
    var shape = SHAPE.matcher(text.strip());
    if (shape.matches()) {
      double percent = Double.parseDouble(shape.group(1));
      if (percent <= 100) {
        return percent;
      }
    }
    throw new IllegalArgumentException("'" + text + "' is not " + ALLOWED);
  }

  /**
   * Parses a whole percentage of a device that a tenant may be given.
   *
   * @return 1..100
   * @throws IllegalArgumentException with a sentence that names the text and what is allowed
   */
  public static int parseFraction(String text) {
    try {
      double percent = parse(text);
      if (percent >= 1 && percent == Math.rint(percent)) {
        return (int) percent;
      }
    } catch (IllegalArgumentException outOfShape) {
      // answered below: the whole-number rule is the one to state
    }
    throw new IllegalArgumentException(
        "'" + text + "' is not a whole percentage of a device from 1 to 100");
  }
}
