package dev.aliquot.nvml;

/** A device's chip generation. */
public enum Architecture {
  KEPLER(2),
  MAXWELL(3),
  PASCAL(4),
  VOLTA(5),
  TURING(6),
  AMPERE(7),
  ADA(8),
  HOPPER(9),
  BLACKWELL(10),
  RUBIN(13),
  UNKNOWN(-1);

  private final int code;

  Architecture(int code) {
    this.code = code;
  }

  /** UNKNOWN for a number that a newer driver added. */
  static Architecture of(int code) {
    for (Architecture architecture : values()) {
      if (architecture.code == code) {
        return architecture;
      }
    }
    return UNKNOWN;
  }
}
