package dev.aliquot.nvml;

/** What the driver wants done with a device, {@code NVML_GPU_RECOVERY_ACTION_*}. */
public enum RecoveryAction {
  NONE(0),
  GPU_RESET(1),
  NODE_REBOOT(2),
  DRAIN_P2P(3),
  DRAIN_AND_RESET(4),
  RECOVER_IMEX_DOMAIN(5),
  /** A value that a newer driver added. */
  UNKNOWN(-1);

  private final int code;

  RecoveryAction(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static RecoveryAction of(long code) {
    for (RecoveryAction action : values()) {
      if (action.code == code) {
        return action;
      }
    }
    return UNKNOWN;
  }
}
