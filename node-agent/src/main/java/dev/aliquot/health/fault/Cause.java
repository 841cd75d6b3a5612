package dev.aliquot.health.fault;

import dev.aliquot.nvml.RecoveryAction;
import java.util.Arrays;
import java.util.Locale;

/** What happened. */
public sealed interface Cause {
  /** As it is written in labels and answers: the number of an XID, or words. */
  String label();

  /** An XID. */
  record Xid(int code) implements Cause {
    /** NVML's, of which it does not know the number. */
    public static final int UNKNOWN = 999;

    @Override
    public String label() {
      return Integer.toString(code);
    }
  }

  /** A fault of an NVSwitch, by its own numbers. */
  record Sxid(int code) implements Cause {
    private static final String PREFIX = "sxid-";

    @Override
    public String label() {
      return PREFIX + code;
    }
  }

  /** The driver wants something done, or nothing any more. */
  record Recovery(RecoveryAction action) implements Cause {
    private static final String PREFIX = "recovery-";

    @Override
    public String label() {
      return PREFIX + action.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** What a device says of itself, or does not say. */
  enum Seen implements Cause {
    /** The driver says that the device is not there any more. */
    LOST,
    /** The driver does not answer for this device. */
    SILENT,
    /** Device memory waits for a reset to be replaced by spare one. */
    REMAP_PENDING,
    /** Device memory could not be replaced. */
    REMAP_FAILED,
    /** The counter of uncorrected memory errors has grown. */
    UNCORRECTED_MEMORY_ERROR,
    /** There are fewer devices than there were, or than are expected. */
    MISSING;

    @Override
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * The cause with a label.
   *
   * @throws IllegalArgumentException when there is none
   */
  static Cause of(String label) {
    if (label.matches("[0-9]{1,9}")) {
      return new Xid(Integer.parseInt(label));
    }
    if (label.matches(Sxid.PREFIX + "[0-9]{1,9}")) {
      return new Sxid(Integer.parseInt(label.substring(Sxid.PREFIX.length())));
    }
    String name = label.toUpperCase(Locale.ROOT).replace('-', '_');
    return label.startsWith(Recovery.PREFIX)
        ? new Recovery(RecoveryAction.valueOf(name.substring(Recovery.PREFIX.length())))
        : Arrays.stream(Seen.values())
            .filter(seen -> seen.name().equals(name))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("there is no cause '" + label + "'"));
  }
}
