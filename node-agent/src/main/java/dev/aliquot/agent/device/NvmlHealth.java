package dev.aliquot.agent.device;

import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Condition.Presence;
import dev.aliquot.nvml.EccPeriod;
import dev.aliquot.nvml.Nvml;
import dev.aliquot.nvml.NvmlDevice;
import dev.aliquot.nvml.NvmlException;
import dev.aliquot.nvml.NvmlStatus;
import dev.aliquot.nvml.RemappedRows;
import java.util.Optional;

/** What NVML says of a device's health. */
final class NvmlHealth {
  private NvmlHealth() {}

  /** By index, since a device that was gone has another handle when it is there again. */
  static HealthReader reader(Nvml nvml, int index) {
    return () -> {
      try {
        return read(nvml.device(index));
      } catch (NvmlException e) {
        return Condition.gone(e.is(NvmlStatus.GPU_IS_LOST) ? Presence.LOST : Presence.SILENT);
      }
    };
  }

  private static Condition read(NvmlDevice device) {
    Optional<RemappedRows> rows = device.remappedRows();
    return new Condition(
        Presence.ANSWERS,
        device.recoveryAction(),
        rows.filter(RemappedRows::pending).isPresent(),
        rows.filter(RemappedRows::failed).isPresent(),
        device.eccErrors(true, EccPeriod.VOLATILE).orElse(-1));
  }
}
