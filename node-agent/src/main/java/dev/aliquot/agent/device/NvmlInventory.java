package dev.aliquot.agent.device;

import dev.aliquot.ledger.Headroom;
import dev.aliquot.nvml.DeviceMemory;
import dev.aliquot.nvml.GpuProcess;
import dev.aliquot.nvml.Nvml;
import dev.aliquot.nvml.NvmlDevice;
import dev.aliquot.nvml.NvmlException;
import dev.aliquot.nvml.NvmlStatus;
import dev.aliquot.nvml.Utilization;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Devices as NVML has them. */
public final class NvmlInventory {
  private static final Logger LOG = LoggerFactory.getLogger(NvmlInventory.class);

  private NvmlInventory() {}

  /**
   * Reads what there is, devices that cannot be reached included. Valid until the library is
   * closed.
   *
   * @throws NvmlException when the driver does not answer
   */
  public static Inventory of(Nvml nvml, Headroom headroom) {
    List<Device> devices = new ArrayList<>();
    int count = nvml.deviceCount();
    for (int index = 0; index < count; index++) {
      devices.add(device(nvml, index, headroom));
    }
    return new Inventory(nvml.driverVersion(), nvml.cudaVersion().toString(), devices);
  }

  /**
   * One that cannot be reached is served to nobody until the next start: not even its UUID is
   * known. Each reading fails with the driver's reason.
   */
  private static Device device(Nvml nvml, int index, Headroom headroom) {
    try {
      NvmlDevice device = nvml.device(index);
      return new Device(
          facts(device),
          headroom,
          () -> read(device),
          NvmlHealth.reader(nvml, index),
          limiter(nvml, device).orElse(null));
    } catch (NvmlException e) {
      LOG.error("device {} cannot be used: {}", index, e.getMessage());
      DeviceFacts nothing = new DeviceFacts(index, "unknown-" + index, "unknown", "", 0, 0);
      return new Device(
          nothing, headroom, () -> read(nvml.device(index)), NvmlHealth.reader(nvml, index), null);
    }
  }

  /** The driver's own memory limits of every device; empty ones before R615. */
  public static List<Optional<CgroupLimiter>> limiters(Nvml nvml) {
    return nvml.devices().stream().map(device -> limiter(nvml, device)).toList();
  }

  private static Optional<CgroupLimiter> limiter(Nvml nvml, NvmlDevice device) {
    return nvml.supportsMemoryLimits() ? Optional.of(CgroupLimiter.of(device)) : Optional.empty();
  }

  /** Of a device that is lost, as much as the driver still says: the others are served. */
  private static DeviceFacts facts(NvmlDevice device) {
    int index = device.index();
    try {
      DeviceMemory memory = memory(device).orElse(new DeviceMemory(0, 0, 0, 0));
      return new DeviceFacts(
          index,
          device.uuid(),
          device.name(),
          device.pciAddress().toString(),
          memory.totalBytes(),
          memory.reservedBytes());
    } catch (NvmlException e) {
      LOG.error("device {} ({}) cannot be used: {}", index, device.uuid(), e.getMessage());
      return new DeviceFacts(index, device.uuid(), "unknown", "", 0, 0);
    }
  }

  private static DeviceReading read(NvmlDevice device) {
    Map<Integer, Long> bytesByPid = new HashMap<>();
    for (GpuProcess process : device.processes()) {
      bytesByPid.put(process.pid(), process.usedBytes().orElse(DeviceReading.UNKNOWN));
    }
    long usedBytes = memory(device).map(DeviceMemory::usedBytes).orElse(0L);
    Optional<Utilization> utilization = device.utilization();
    return new DeviceReading(
        usedBytes,
        bytesByPid,
        utilization.map(Utilization::gpuPercent).orElse(-1),
        utilization.map(Utilization::memoryPercent).orElse(-1),
        device.temperatureCelsius().orElse(-1),
        device.powerMilliwatts().orElse(-1));
  }

  private static Optional<DeviceMemory> memory(NvmlDevice device) {
    try {
      return Optional.of(device.memory());
    } catch (NvmlException e) {
      if (e.is(NvmlStatus.NOT_SUPPORTED)) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
