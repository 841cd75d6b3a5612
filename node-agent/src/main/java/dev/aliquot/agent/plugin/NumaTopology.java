package dev.aliquot.agent.plugin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which node of the machine's memory is nearest to a device. A kubelet that keeps to the topology
 * refuses every pod for a node that the machine does not have, so that one is said only if it is
 * there. Each device is looked up once. Thread-safe.
 */
public final class NumaTopology {
  private final Path devices;
  private final Path nodes;
  private final Map<String, OptionalInt> known = new ConcurrentHashMap<>();

  /**
   * @param devices /sys/bus/pci/devices
   * @param nodes /sys/devices/system/node
   */
  public NumaTopology(Path devices, Path nodes) {
    this.devices = devices;
    this.nodes = nodes;
  }

  /** The running system's. */
  public static NumaTopology system() {
    return new NumaTopology(Path.of("/sys/bus/pci/devices"), Path.of("/sys/devices/system/node"));
  }

  /** Empty: the kernel does not say, or says one that is not there. */
  public OptionalInt nodeOf(String pciAddress) {
    return known.computeIfAbsent(pciAddress, this::read);
  }

  private OptionalInt read(String pciAddress) {
    if (!pciAddress.matches("[0-9a-f]{1,8}:[0-9a-f:.]{1,20}")) {
      return OptionalInt.empty();
    }
    try {
      String text = Files.readString(devices.resolve(pciAddress).resolve("numa_node"));
      int node = Integer.parseInt(text.strip());
      return node >= 0 && Files.isDirectory(nodes.resolve("node" + node))
          ? OptionalInt.of(node)
          : OptionalInt.empty();
    } catch (IOException | NumberFormatException e) {
      return OptionalInt.empty();
    }
  }
}
