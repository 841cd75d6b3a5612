package dev.aliquot.nvml;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A bus address; its text is Linux's, {@code 0000:0a:00.0}, as under {@code /sys/bus/pci/devices}.
 */
public record PciAddress(int domain, int bus, int device) {
  private static final Pattern TEXT =
      Pattern.compile("([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})(?:\\.[0-7])?");

  /** Reads Linux's and NVML's spelling ({@code 00000000:0A:00.0}); empty for anything else. */
  public static Optional<PciAddress> parse(String text) {
    Matcher matcher = TEXT.matcher(text.toLowerCase(Locale.ROOT));
    return matcher.matches()
        ? Optional.of(
            new PciAddress(
                Integer.parseUnsignedInt(matcher.group(1), 16),
                Integer.parseInt(matcher.group(2), 16),
                Integer.parseInt(matcher.group(3), 16)))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return String.format("%04x:%02x:%02x.0", domain, bus, device);
  }
}
