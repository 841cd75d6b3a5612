package dev.aliquot.health.catalogue;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a fault asks for. From the mildest to the worst, but for {@link #STATE}. */
public enum FaultClass {
  /** Told and counted; nothing is done. */
  WATCH,
  /** The program's own: its tenant is blamed, nobody else is touched. */
  APP,
  /** Nothing is done for the line: what the device says of itself decides. */
  STATE,
  /** The device is out until it has been reset. */
  RESET,
  /** The device is out until the node has been rebooted. */
  NODE,
  /** As {@link #NODE}, and the device wants replacing. */
  REPLACE;

  /** As it is written in files, labels and answers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether it takes the device out. */
  public boolean isDevices() {
    return this == RESET || this == NODE || this == REPLACE;
  }

  /**
   * The class with a label.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  public static FaultClass of(String label) {
    return Arrays.stream(values())
        .filter(each -> each.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "class '"
                        + label
                        + "' is none of "
                        + Arrays.stream(values())
                            .map(FaultClass::label)
                            .collect(Collectors.joining(", "))));
  }
}
