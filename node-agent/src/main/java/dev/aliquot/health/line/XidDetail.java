package dev.aliquot.health.line;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What some messages say beyond the number. A process's name may look like any of them, so each is
 * taken from where the driver puts it: the end of the message, or its last occurrence.
 */
public final class XidDetail {
  private static final Pattern RECOVERY =
      Pattern.compile(
          "^GPU recovery action changed from 0x[0-9a-f]{1,8} \\([^()]{0,40}\\) to 0x([0-9a-f]{1,7})"
              + " \\([^()]{0,40}\\)");
  private static final Pattern RESET = Pattern.compile("RST: (Yes|No), D-RST: (Yes|No)[ .]{0,3}$");
  private static final Pattern CAUSED = Pattern.compile(" caused by previous Xid (\\d{1,4})$");
  private static final Pattern LINK =
      Pattern.compile(
          "\\b(Fatal|Nonfatal) {1,4}XC[01] i\\d{1,2} Link -?\\d{1,3} \\([^()]{0,300}\\)?$");
  private static final Pattern PLACE =
      Pattern.compile("\\(GPC (\\d{1,3}), TPC (\\d{1,3})(?:, SM (\\d{1,3}))?\\)");

  private XidDetail() {}

  /** What the driver wants done, of XID 154: the value of NVML's field 230. */
  public static OptionalInt recoveryAction(XidLine line) {
    Matcher matcher = RECOVERY.matcher(line.message());
    return line.code() == 154 && matcher.find()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1), 16))
        : OptionalInt.empty();
  }

  /** What a memory error needs, of XID 94 and 95. */
  public record Reset(boolean reset, boolean drainAndReset) {}

  /** Of XID 94 and 95; empty where the driver does not say. */
  public static Optional<Reset> reset(XidLine line) {
    Matcher matcher = RESET.matcher(line.message());
    return (line.code() == 94 || line.code() == 95) && matcher.find()
        ? Optional.of(new Reset(matcher.group(1).equals("Yes"), matcher.group(2).equals("Yes")))
        : Optional.empty();
  }

  /** The XID that an XID 45 cleans up after. */
  public static OptionalInt causedBy(XidLine line) {
    Matcher matcher = CAUSED.matcher(line.message());
    return line.code() == 45 && matcher.find()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }

  /** Whether an NVLink 5 error, XID 144 to 150, is fatal; empty where the line does not say. */
  public static Optional<Boolean> fatalLink(XidLine line) {
    Matcher matcher = LINK.matcher(line.message());
    return line.code() >= 144 && line.code() <= 150 && matcher.find()
        ? Optional.of(matcher.group(1).equals("Fatal"))
        : Optional.empty();
  }

  /** Where on the device an XID 13 happened, {@code GPC 1, TPC 4}; empty where it does not say. */
  public static Optional<String> place(XidLine line) {
    Matcher matcher = PLACE.matcher(line.message());
    return line.code() == 13 && line.pid().isEmpty() && matcher.find()
        ? Optional.of("GPC " + matcher.group(1) + ", TPC " + matcher.group(2))
        : Optional.empty();
  }
}
