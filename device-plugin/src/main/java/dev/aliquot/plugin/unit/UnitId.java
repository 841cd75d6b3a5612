package dev.aliquot.plugin.unit;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
  private static final Pattern FORM = Pattern.compile("([A-Za-z0-9/_-]{1,60})\\.([0-9]{2})");

  /** Reads an id; empty where it has another form. */
  public static Optional<UnitId> parse(String id) {
    Matcher matcher = FORM.matcher(id);
    return matcher.matches()
        ? Optional.of(new UnitId(matcher.group(1), Integer.parseInt(matcher.group(2))))
        : Optional.empty();
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
