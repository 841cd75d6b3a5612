package dev.aliquot.agent.device;

import dev.aliquot.ffm.NativeException;
import dev.aliquot.nvml.CgroupLimits;
import dev.aliquot.nvml.NvmlDevice;
import java.nio.file.Path;

/** The driver's own memory limits on one device, by cgroup directory. May block as it does. */
public interface CgroupLimiter {
  long NO_LIMIT = CgroupLimits.NONE;

  /** As the driver has them; hard may be {@link #NO_LIMIT}. */
  record Limits(long softBytes, long hardBytes, long usedBytes) {}

  /**
   * Soft 0 and hard {@link #NO_LIMIT} take the limits away.
   *
   * @throws NativeException when the driver refuses
   */
  void set(Path cgroup, long softBytes, long hardBytes);

  /**
   * @throws NativeException when the driver refuses
   */
  Limits get(Path cgroup);

  static CgroupLimiter of(NvmlDevice device) {
    return new CgroupLimiter() {
      @Override
      public void set(Path cgroup, long softBytes, long hardBytes) {
        device.setCgroupLimits(cgroup, softBytes, hardBytes);
      }

      @Override
      public Limits get(Path cgroup) {
        CgroupLimits limits = device.cgroupLimits(cgroup);
        return new Limits(limits.softBytes(), limits.hardBytes(), limits.usedBytes());
      }
    };
  }
}
