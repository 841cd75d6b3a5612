package dev.aliquot.nvml;

/** How many processes a device lets in; tenants need {@link #DEFAULT}. */
public enum ComputeMode {
  DEFAULT(0),
  EXCLUSIVE_THREAD(1),
  PROHIBITED(2),
  EXCLUSIVE_PROCESS(3),
  UNKNOWN(-1);

  private final int code;

  ComputeMode(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /** UNKNOWN for a number that a newer driver added. */
  static ComputeMode of(int code) {
    for (ComputeMode mode : values()) {
      if (mode.code == code) {
        return mode;
      }
    }
    return UNKNOWN;
  }
}
