package dev.aliquot.agent.config;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as people write them: {@code 250ms}, {@code 30s}, {@code 1.5m}, {@code 2h}. Pure
 * functions, safe from any thread.
 */
public final class Durations {
  /** What is accepted, for error messages. */
  public static final String ALLOWED = "a duration such as 250ms, 30s, 5m or 2h";

  private static final Pattern SHAPE =
      Pattern.compile("([0-9]{1,12}(?:\\.[0-9]{1,9})?)\\s*([a-zA-Z]{1,2})");
  private static final Map<String, Long> NANOS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);

  private Durations() {}

  /**
   * Parses a duration.
   *
   * @throws IllegalArgumentException with a sentence that names the text and what is allowed
   */
  public static Duration parse(String text) {
    Matcher shape = SHAPE.matcher(text.strip());
    if (!shape.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not " + ALLOWED);
    }
    Long unit = NANOS.get(shape.group(2).toLowerCase(Locale.ROOT));
    if (unit == null) {
      throw new IllegalArgumentException(
          "'" + text + "' has the unknown unit '" + shape.group(2) + "'; expected " + ALLOWED);
    }
    BigDecimal nanos = new BigDecimal(shape.group(1)).multiply(BigDecimal.valueOf(unit));
    if (nanos.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      throw new IllegalArgumentException(
          "'" + text + "' is more than 292 years, the longest duration there is");
    }
    return Duration.ofNanos(nanos.setScale(0, RoundingMode.DOWN).longValueExact());
  }

  /** The shortest exact form that {@link #parse} reads back as the same duration. */
  public static String exact(Duration duration) {
    long nanos = duration.toNanos();
    for (String unit : new String[] {"h", "m", "s", "ms", "us"}) {
      long size = unitNanos(unit);
      if (nanos != 0 && nanos % size == 0) {
        return nanos / size + unit;
      }
    }
    return nanos == 0 ? "0s" : nanos + "ns";
  }

  private static long unitNanos(String unit) {
    Long nanos = NANOS.get(unit);
    if (nanos == null) {
      throw new IllegalStateException(unit);
    }
    return nanos;
  }
}
