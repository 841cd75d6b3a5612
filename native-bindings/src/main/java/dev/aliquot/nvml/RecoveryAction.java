package dev.aliquot.nvml;

/**
 * What the driver wants done with a device, {@code NVML_GPU_RECOVERY_ACTION_*}; 6 and 7 are
 * drivers' from R615 on.
 */
public enum RecoveryAction {
  NONE(0),
  GPU_RESET(1),
  NODE_REBOOT(2),
  DRAIN_P2P(3),
  DRAIN_AND_RESET(4),
  RECOVER_IMEX_DOMAIN(5),
  BUS_RESET(6),
  SYSTEM_REBOOT(7),
  /** A value that a newer driver added. */
  UNKNOWN(-1);

  private final int code;

  RecoveryAction(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /** The action with this value of NVML's field 230. */
  public static RecoveryAction of(long code) {
    for (RecoveryAction action : values()) {
      if (action.code == code) {
        return action;
      }
    }
    return UNKNOWN;
  }
}
