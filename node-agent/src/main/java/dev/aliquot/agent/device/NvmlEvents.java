package dev.aliquot.agent.device;

import dev.aliquot.nvml.Nvml;
import dev.aliquot.nvml.NvmlDevice;
import dev.aliquot.nvml.NvmlEvent;
import dev.aliquot.nvml.NvmlEventSet;
import dev.aliquot.nvml.NvmlException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Events as NVML delivers them, of every type of health that each device supports. */
public final class NvmlEvents implements DeviceEvents {
  private static final Logger LOG = LoggerFactory.getLogger(NvmlEvents.class);

  private final NvmlEventSet set;

  private NvmlEvents(NvmlEventSet set) {
    this.set = set;
  }

  /**
   * Registers every device that can be reached; one that cannot is still seen in the kernel log and
   * by asking it.
   *
   * @throws NvmlException when the driver has no events
   */
  public static NvmlEvents open(Nvml nvml) {
    NvmlEventSet set = nvml.openEventSet();
    int count = nvml.deviceCount();
    for (int index = 0; index < count; index++) {
      try {
        NvmlDevice device = nvml.device(index);
        if (set.register(device, NvmlEvent.HEALTH_TYPES) == 0) {
          LOG.warn("device {} reports no events of its health", device.uuid());
        }
      } catch (NvmlException e) {
        LOG.warn("device {} reports no events: {}", index, e.getMessage());
      }
    }
    return new NvmlEvents(set);
  }

  @Override
  public Optional<DeviceEvent> await(Duration timeout) {
    return set.await(timeout)
        .map(
            event ->
                new DeviceEvent(
                    event.deviceUuid().orElse(""),
                    event.xid().isPresent() ? DeviceEvent.Kind.XID : DeviceEvent.Kind.CHANGED,
                    event.xid().orElse(0)));
  }

  @Override
  public void close() {
    set.close();
  }
}
