package dev.aliquot.plugin.unit;

import java.util.Optional;

/**
 * One hundredth of a device, as the kubelet counts it: {@code <uuid>.<00..99>}. The same over
 * restarts, because the kubelet keeps who has which.
 *
 * @param device the device's UUID
 * @param unit 0 to 99
 */
public record UnitId(String device, int unit) {
  /** How many there are of a device. */
  public static final int PER_DEVICE = 100;

  /** At most 63 characters in all, as the API asks. */
  private static final int MAX_DEVICE = 60;

  /** Reads an id; empty where it has another form. */
  public static Optional<UnitId> parse(String id) {
    int dot = id.length() - 3;
    if (dot < 1 || dot > MAX_DEVICE || id.charAt(dot) != '.') {
      return Optional.empty();
    }
    int tens = id.charAt(dot + 1) - '0';
    int ones = id.charAt(dot + 2) - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) {
      return Optional.empty();
    }
    for (int i = 0; i < dot; i++) {
      if (!isOfAName(id.charAt(i))) {
        return Optional.empty();
      }
    }
    return Optional.of(new UnitId(id.substring(0, dot), tens * 10 + ones));
  }

  private static boolean isOfAName(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '_'
        || c == '/';
  }

  /** The device that an id names; empty where it has another form. */
  public static Optional<String> deviceOf(String id) {
    return parse(id).map(UnitId::device);
  }

  /** The id as the kubelet has it. */
  public String text() {
    return device + "." + (unit < 10 ? "0" : "") + unit;
  }
}
