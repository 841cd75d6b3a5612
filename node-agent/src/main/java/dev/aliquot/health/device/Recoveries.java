package dev.aliquot.health.device;

import dev.aliquot.nvml.RecoveryAction;

/** What it means for a device that the driver wants something done. */
final class Recoveries {
  private Recoveries() {}

  /** Or a reboot. That peers were drained, say, makes no device well again. */
  static boolean isReset(RecoveryAction action) {
    return switch (action) {
      case GPU_RESET, BUS_RESET, NODE_REBOOT, SYSTEM_REBOOT, DRAIN_AND_RESET -> true;
      case NONE, DRAIN_P2P, RECOVER_IMEX_DOMAIN, UNKNOWN -> false;
    };
  }

  /** The domain's recovery is asked for only where nothing else is. */
  static boolean wantsNothingOfDevice(RecoveryAction action) {
    return action == RecoveryAction.NONE || action == RecoveryAction.RECOVER_IMEX_DOMAIN;
  }

  static DeviceState state(RecoveryAction action) {
    return switch (action) {
      case NONE -> DeviceState.HEALTHY;
      case GPU_RESET, BUS_RESET -> DeviceState.NEEDS_RESET;
      case NODE_REBOOT, SYSTEM_REBOOT -> DeviceState.NEEDS_REBOOT;
      case DRAIN_P2P, DRAIN_AND_RESET -> DeviceState.DRAINING;
      case RECOVER_IMEX_DOMAIN, UNKNOWN -> DeviceState.SUSPECT;
    };
  }

  static String words(RecoveryAction action) {
    return switch (action) {
      case NONE -> "nothing";
      case GPU_RESET -> "the device reset";
      case BUS_RESET -> "the device's bus reset";
      case NODE_REBOOT -> "the node rebooted";
      case SYSTEM_REBOOT -> "the system rebooted";
      case DRAIN_P2P -> "peer-to-peer work to end";
      case DRAIN_AND_RESET -> "the device drained, then reset";
      case RECOVER_IMEX_DOMAIN -> "the IMEX domain recovered";
      case UNKNOWN -> "something that this agent does not know: see the driver's documentation";
    };
  }
}
