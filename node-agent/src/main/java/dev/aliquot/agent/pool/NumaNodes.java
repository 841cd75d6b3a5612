package dev.aliquot.agent.pool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The NUMA nodes nearest to devices. Each device is looked up once. Thread-safe. */
public final class NumaNodes {
  private final Path devices;
  private final Map<String, Integer> known = new ConcurrentHashMap<>();

  /**
   * @param devices /sys/bus/pci/devices
   */
  public NumaNodes(Path devices) {
    this.devices = devices;
  }

  /** The running system's. */
  public static NumaNodes system() {
    return new NumaNodes(Path.of("/sys/bus/pci/devices"));
  }

  /** The node nearest to the device at this bus address; 0 where the kernel does not say. */
  public int nearest(String pciAddress) {
    return known.computeIfAbsent(pciAddress, this::read);
  }

  private int read(String pciAddress) {
    if (!pciAddress.matches("[0-9a-f:.]+")) {
      return 0;
    }
    try {
      String text = Files.readString(devices.resolve(pciAddress).resolve("numa_node"));
      return Math.max(0, Integer.parseInt(text.strip()));
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }
}
