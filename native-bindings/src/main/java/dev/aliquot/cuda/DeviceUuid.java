package dev.aliquot.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/** Converts between the driver's 16 bytes and NVML's text of a device's UUID. */
final class DeviceUuid {
  private static final int[] GROUPS = {4, 2, 2, 2, 6};
  private static final int BYTES = 16;
  private static final String PREFIX = "GPU-";

  private DeviceUuid() {}

  static String text(MemorySegment uuid) {
    byte[] bytes = uuid.asSlice(0, BYTES).toArray(JAVA_BYTE);
    StringBuilder text = new StringBuilder(PREFIX);
    int from = 0;
    for (int group : GROUPS) {
      if (from > 0) {
        text.append('-');
      }
      text.append(HexFormat.of().formatHex(bytes, from, from + group));
      from += group;
    }
    return text.toString();
  }

  /**
   * @throws IllegalArgumentException if it is not the text of a physical device's UUID
   */
  static byte[] bytes(String text) {
    String digits = text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : "";
    String hex = digits.replace("-", "");
    if (hex.length() != 2 * BYTES || !hex.chars().allMatch(HexFormat::isHexDigit)) {
      throw new IllegalArgumentException(
          "%s is not a device's UUID; give one as nvidia-smi -L shows it".formatted(text));
    }
    return HexFormat.of().parseHex(hex);
  }
}
