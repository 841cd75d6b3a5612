package dev.aliquot.plugin.annotation;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Amounts of a device's memory, as annotations spell them. */
final class Amount {
  /** Longer than any amount. */
  private static final int MOST_CHARACTERS = 40;

  private static final Pattern SIZE =
      Pattern.compile("([0-9]{1,20}(?:\\.[0-9]{1,9})?) ?([A-Za-z]{0,3})");
  private static final Pattern PERCENT = Pattern.compile("([0-9]{1,3})%?");
  private static final Pattern FRACTION = Pattern.compile("[01]?\\.[0-9]{1,9}");

  private static final Map<String, Long> UNITS =
      Map.of(
          "k",
          1_000L,
          "M",
          1_000_000L,
          "G",
          1_000_000_000L,
          "T",
          1_000_000_000_000L,
          "Ki",
          1L << 10,
          "Mi",
          1L << 20,
          "Gi",
          1L << 30,
          "Ti",
          1L << 40);

  private Amount() {}

  /**
   * As in {@code 4Gi}, {@code 4GiB}, {@code 1.5G}; a part of a byte is rounded down. Empty: it is
   * no size, or none that a device has.
   *
   * @param bareUnitBytes what a number alone counts
   */
  static Optional<Long> size(String text, long bareUnitBytes) {
    String trimmed = trimmed(text);
    Matcher shape = SIZE.matcher(trimmed);
    if (!shape.matches()) {
      return Optional.empty();
    }
    String unit = shape.group(2);
    Long factor =
        unit.isEmpty()
            ? (Long) bareUnitBytes
            : unit.equals("B") ? (Long) 1L : UNITS.get(unit.replaceFirst("B$", ""));
    if (factor == null) {
      return Optional.empty();
    }
    BigDecimal bytes = new BigDecimal(shape.group(1)).multiply(BigDecimal.valueOf(factor));
    return bytes.signum() <= 0 || bytes.compareTo(BigDecimal.valueOf(1L << 60)) > 0
        ? Optional.empty()
        : Optional.of(bytes.setScale(0, RoundingMode.DOWN).longValue()).filter(b -> b > 0);
  }

  /** {@code 50} and {@code 50%} are percent, {@code 0.5} a fraction; as bytes of the capacity. */
  static Optional<Long> percent(String text, long capacityBytes) {
    String trimmed = trimmed(text);
    Matcher percent = PERCENT.matcher(trimmed);
    if (!percent.matches()) {
      return fraction(trimmed, capacityBytes);
    }
    int parts = Integer.parseInt(percent.group(1));
    return parts < 1 || parts > 100
        ? Optional.empty()
        : of(BigDecimal.valueOf(parts, 2), capacityBytes);
  }

  /** Over 0 and at most 1, as in {@code 0.5}; as bytes of the capacity. */
  static Optional<Long> fraction(String text, long capacityBytes) {
    String trimmed = trimmed(text);
    return trimmed.equals("1") || FRACTION.matcher(trimmed).matches()
        ? of(new BigDecimal(trimmed), capacityBytes)
        : Optional.empty();
  }

  private static Optional<Long> of(BigDecimal fraction, long capacityBytes) {
    if (fraction.signum() <= 0 || fraction.compareTo(BigDecimal.ONE) > 0) {
      return Optional.empty();
    }
    long bytes =
        fraction
            .multiply(BigDecimal.valueOf(capacityBytes))
            .setScale(0, RoundingMode.DOWN)
            .longValue();
    return Optional.of(whole(bytes)).filter(b -> b > 0);
  }

  /** In whole pages of the driver. */
  static long whole(long bytes) {
    return bytes - bytes % (2L << 20);
  }

  private static String trimmed(String text) {
    return text.length() > MOST_CHARACTERS ? "" : text.strip();
  }

  /** For a sentence: what somebody wrote, cut short, with nothing that a terminal would follow. */
  static String shown(String text) {
    String start = text.substring(0, Math.min(MOST_CHARACTERS, text.length()));
    return "'"
        + start.replaceAll("[^\\p{Print}]", "?")
        + (text.length() > MOST_CHARACTERS ? "..." : "")
        + "'";
  }

  static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
