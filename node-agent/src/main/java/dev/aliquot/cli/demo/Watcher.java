package dev.aliquot.cli.demo;

import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Keeps what the demo's claims need of all the views it has been shown. Not thread-safe. */
final class Watcher {
  /**
   * What was seen of one tenant.
   *
   * @param requestBytes its share
   * @param limitBytes the most it may hold
   * @param mostUsedBytes the most it was ever seen to hold, by the agent's books or by NVML
   */
  record Seen(long requestBytes, long limitBytes, long mostUsedBytes) {}

  private final int device;
  private final Map<String, Seen> tenants = new HashMap<>();
  private boolean together;
  private long capacityBytes;
  private long leastFreeBytes = Long.MAX_VALUE;

  Watcher(int device) {
    this.device = device;
  }

  void look(NodeView node) {
    long active =
        node.tenants().stream()
            .filter(t -> t.deviceIndex() == device && !t.processes().isEmpty())
            .count();
    together |= active >= 2;
    for (DeviceView d : node.devices()) {
      if (d.index() == device) {
        capacityBytes = d.capacityBytes();
        leastFreeBytes =
            Math.min(leastFreeBytes, d.totalBytes() - d.reservedBytes() - d.usedBytes());
      }
    }
    for (TenantView t : node.tenants()) {
      long used = Math.max(t.usedBytes(), t.groundTruthBytes());
      Seen before = tenants.getOrDefault(t.name(), new Seen(0, 0, 0));
      tenants.put(
          t.name(),
          new Seen(t.requestBytes(), t.limitBytes(), Math.max(used, before.mostUsedBytes())));
    }
  }

  /** Whether two tenants were seen at work at the same time. */
  boolean together() {
    return together;
  }

  long capacityBytes() {
    return capacityBytes;
  }

  /** The least that was ever free on the device, whoever held the rest. */
  long leastFreeBytes() {
    return leastFreeBytes;
  }

  Optional<Seen> tenant(String name) {
    return Optional.ofNullable(tenants.get(name));
  }
}
