package dev.aliquot.agent.device;

import java.util.List;
import java.util.Optional;

/** The node's devices, in NVML's order. */
public record Inventory(String driverVersion, String cudaVersion, List<Device> devices) {

  /** Copies the list. */
  public Inventory {
    devices = List.copyOf(devices);
  }

  /** By UUID or index. */
  public Optional<Device> find(String name) {
    return devices.stream()
        .filter(
            device ->
                device.uuid().equals(name) || String.valueOf(device.facts().index()).equals(name))
        .findFirst();
  }
}
