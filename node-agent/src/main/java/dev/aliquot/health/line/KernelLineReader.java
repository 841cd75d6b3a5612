package dev.aliquot.health.line;

import dev.aliquot.nvml.PciAddress;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the kernel log's lines one after the other. Takes time in proportion to a line's length,
 * whatever is in it. Not thread-safe: a message of three lines is put together.
 */
public final class KernelLineReader {
  /** Of a message; the longest that the driver prints are some 500. */
  public static final int MOST_MESSAGE = 1024;

  private static final int MOST_ADDRESS = 24;
  private static final String DRIVER = "NVRM: ";
  private static final String SWITCH = "nvidia-nvswitch";
  private static final String UUID_FORM = "GPU-00000000-0000-0000-0000-000000000000";

  /** Lines between "The NVIDIA GPU" and "fallen off the bus", when they come one by one. */
  private static final int MOST_LINES_BETWEEN = 3;

  /** What dmesg and syslog put before the kernel's words: times, thread, host, {@code kernel:}. */
  private static final Pattern BEFORE =
      Pattern.compile(
          "(?:<\\d{1,4}>)?(?:(?:[^ ]*[^ :] +){0,6}kernel: *)?(?:\\[[ \\w.:,+-]{1,40}\\] *)*");

  private static final int MOST_BEFORE = 128;

  private @Nullable PciAddress probed;
  private int linesSinceProbed;

  /**
   * @param text a record's text, with or without what dmesg or journald put before it
   * @return empty where it is about no device's fault
   */
  public Optional<KernelLine> read(String text) {
    int begin = beginning(text, DRIVER);
    Optional<KernelLine> found = begin < 0 ? switchXid(text) : Optional.empty();
    if (begin >= 0) {
      Scanner scanner = new Scanner(text, begin + DRIVER.length());
      if (scanner.skip("Xid (")) {
        found = xid(scanner);
      } else if (scanner.skip("GPU at PCI:")) {
        found = named(scanner);
      } else if (scanner.skip("GPU ")) {
        found = fallenOff(scanner);
      } else if (scanner.skip("The NVIDIA GPU ")) {
        probed = address(scanner, " \n");
        linesSinceProbed = 0;
      }
    }
    return found.isPresent() || begin < 0 ? found : probedAndGone(text);
  }

  /**
   * Where the driver's words begin; -1: nowhere. Never behind anything else: a program chooses the
   * names of its files and cgroups, and the kernel puts those into lines of its own (a segfault's,
   * say).
   */
  private static int beginning(String text, String driver) {
    int found = text.indexOf(driver);
    boolean first =
        found == 0
            || (found > 0
                && found <= MOST_BEFORE
                && BEFORE.matcher(text.substring(0, found)).matches());
    return first ? found : -1;
  }

  private static Optional<KernelLine> xid(Scanner scanner) {
    scanner.skip("PCI:");
    PciAddress address = address(scanner, " )");
    OptionalInt gpuInstance = scanner.skip(" GPU-I:") ? scanner.number() : OptionalInt.empty();
    OptionalInt computeInstance = scanner.skip(" GPU-CI:") ? scanner.number() : OptionalInt.empty();
    OptionalInt code = scanner.skip("): ") ? scanner.number() : OptionalInt.empty();
    boolean more = scanner.skip(", ");
    if (address == null || code.isEmpty() || !(more || ends(scanner))) {
      return Optional.empty();
    }
    OptionalInt pid = OptionalInt.empty();
    if (scanner.skip("pid=")) {
      pid = scanner.number();
      scanner.upToText(", ");
    }
    String process = scanner.skip("name=") ? scanner.upToText(", ") : "";
    return Optional.of(
        new XidLine(
            address,
            gpuInstance,
            computeInstance,
            code.getAsInt(),
            pid.isPresent() && pid.getAsInt() > 0 ? pid : OptionalInt.empty(),
            known(process),
            scanner.rest(MOST_MESSAGE).strip()));
  }

  private static Optional<KernelLine> switchXid(String text) {
    int begin = beginning(text, SWITCH);
    if (begin < 0) {
      return Optional.empty();
    }
    Scanner scanner = new Scanner(text, begin + SWITCH.length());
    if (scanner.number().isEmpty() || !scanner.skip(": SXid (PCI:")) {
      return Optional.empty();
    }
    PciAddress address = address(scanner, " )");
    OptionalInt code = scanner.skip("): ") ? scanner.number() : OptionalInt.empty();
    boolean more = scanner.skip(", ");
    return address == null || code.isEmpty() || !(more || ends(scanner))
        ? Optional.empty()
        : Optional.of(
            new KernelLine.SwitchXid(address, code.getAsInt(), scanner.rest(MOST_MESSAGE).strip()));
  }

  private static boolean ends(Scanner scanner) {
    return scanner.rest(2).isBlank();
  }

  private static String known(String process) {
    String name = process.strip();
    return name.equals("<unknown>") ? "" : name.substring(0, Math.min(name.length(), 64));
  }

  private static Optional<KernelLine> named(Scanner scanner) {
    String[] parts = scanner.rest(MOST_ADDRESS + UUID_FORM.length()).strip().split(": ", 2);
    Optional<PciAddress> address = PciAddress.parse(parts[0]);
    return address.isPresent() && parts.length == 2 && isUuid(parts[1])
        ? Optional.of(new KernelLine.Named(address.get(), parts[1]))
        : Optional.empty();
  }

  private static boolean isUuid(String text) {
    boolean fits = text.length() == UUID_FORM.length() && text.startsWith("GPU-");
    for (int i = "GPU-".length(); fits && i < text.length(); i++) {
      boolean hyphen = UUID_FORM.charAt(i) == '-';
      fits = hyphen ? text.charAt(i) == '-' : Character.digit(text.charAt(i), 16) >= 0;
    }
    return fits;
  }

  private static Optional<KernelLine> fallenOff(Scanner scanner) {
    String word = scanner.upTo(" ", MOST_ADDRESS);
    return word.endsWith(":") && scanner.skip(" GPU has fallen off the bus")
        ? PciAddress.parse(word.substring(0, word.length() - 1)).map(KernelLine.FallenOff::new)
        : Optional.empty();
  }

  /** The message at probe time: one record of three lines, or three records. */
  private Optional<KernelLine> probedAndGone(String text) {
    PciAddress address = probed;
    if (address == null) {
      return Optional.empty();
    }
    boolean gone = text.contains("fallen off the bus and is not responding");
    if (gone || ++linesSinceProbed > MOST_LINES_BETWEEN) {
      probed = null;
    }
    return gone ? Optional.of(new KernelLine.FallenOff(address)) : Optional.empty();
  }

  private static @Nullable PciAddress address(Scanner scanner, String ends) {
    return PciAddress.parse(scanner.upTo(ends, MOST_ADDRESS)).orElse(null);
  }
}
