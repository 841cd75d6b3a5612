package dev.aliquot.agent.config;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write them: {@code 4GiB}, {@code 4 GB}, {@code 512Mi}, {@code 1.5GiB}, {@code
 * 1048576}. Case does not matter.
 *
 * <p>{@code Ki, Mi, Gi, Ti} (with or without {@code B}) are powers of 1024; {@code k, M, G, T}
 * (with or without {@code B}) are powers of 1000, as in Kubernetes quantities. A part of a byte is
 * rounded down. Pure functions, safe from any thread.
 */
public final class ByteSize {
  /** What is accepted, for error messages. */
  public static final String ALLOWED =
      "a size such as 4GiB, 4GB, 512Mi, 1.5GiB or a number of bytes";

  private static final Pattern SHAPE =
      Pattern.compile("([0-9]{1,30}(?:\\.[0-9]{1,30})?)\\s*([a-zA-Z]{0,5})");
  private static final Map<String, Long> UNITS =
      Map.ofEntries(
          Map.entry("", 1L),
          Map.entry("b", 1L),
          Map.entry("k", 1_000L),
          Map.entry("m", 1_000_000L),
          Map.entry("g", 1_000_000_000L),
          Map.entry("t", 1_000_000_000_000L),
          Map.entry("ki", 1L << 10),
          Map.entry("mi", 1L << 20),
          Map.entry("gi", 1L << 30),
          Map.entry("ti", 1L << 40));
  private static final String[] NAMES = {"B", "KiB", "MiB", "GiB", "TiB"};

  private ByteSize() {}

  /**
   * Parses a size.
   *
   * @return bytes, 0 or more
   * @throws IllegalArgumentException with a sentence that names the text and what is allowed
   */
  public static long parse(String text) {
    Matcher shape = SHAPE.matcher(text.strip());
    if (!shape.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not " + ALLOWED);
    }
    String unit = shape.group(2).toLowerCase(Locale.ROOT);
    Long factor = UNITS.get(unit);
    if (factor == null && unit.endsWith("b") && !unit.equals("bb")) {
      factor = UNITS.get(unit.substring(0, unit.length() - 1));
    }
    if (factor == null) {
      throw new IllegalArgumentException(
          "'" + text + "' has the unknown unit '" + shape.group(2) + "'; expected " + ALLOWED);
    }
    BigDecimal bytes = new BigDecimal(shape.group(1)).multiply(BigDecimal.valueOf(factor));
    if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      throw new IllegalArgumentException(
          "'" + text + "' is more than 8 EiB, the largest size there is");
    }
    return bytes.setScale(0, RoundingMode.DOWN).longValueExact();
  }

  /**
   * The size exactly, in the largest unit that divides it: {@code 4GiB}, {@code 1536MiB}, {@code
   * 100}.
   */
  public static String exact(long bytes) {
    int unit = 0;
    long rest = bytes;
    while (unit < NAMES.length - 1 && rest != 0 && rest % 1024 == 0) {
      rest /= 1024;
      unit++;
    }
    return unit == 0 ? Long.toString(bytes) : rest + NAMES[unit];
  }

  /** The size for a reader, about three digits: {@code 4.0 GiB}, {@code 612 MiB}, {@code 0 B}. */
  public static String shortText(long bytes) {
    int unit = 0;
    double rest = bytes;
    while (unit < NAMES.length - 1 && Math.abs(rest) >= 1024) {
      rest /= 1024;
      unit++;
    }
    String pattern = unit == 0 || Math.abs(rest) >= 100 ? "%.0f %s" : "%.1f %s";
    return String.format(Locale.ROOT, pattern, rest, NAMES[unit]);
  }
}
