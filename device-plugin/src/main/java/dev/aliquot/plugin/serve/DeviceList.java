package dev.aliquot.plugin.serve;

import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.proto.deviceplugin.Device;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import dev.aliquot.plugin.proto.deviceplugin.NUMANode;
import dev.aliquot.plugin.proto.deviceplugin.TopologyInfo;
import dev.aliquot.plugin.unit.UnitId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The devices as the kubelet is told of them. A device that was once in the list stays in it: the
 * kubelet shows one that is left out as healthy. Thread-safe.
 */
final class DeviceList {
  private final Node node;
  private final Map<String, NodeDevice> seen = new LinkedHashMap<>();
  private List<NodeDevice> told = List.of();
  private @Nullable Edition edition;

  /**
   * The list as it was at some time.
   *
   * @param number another one for each other list
   */
  record Edition(long number, ListAndWatchResponse list) {}

  DeviceList(Node node) {
    this.node = node;
  }

  /** The list as it is now. */
  synchronized Edition now() {
    List<NodeDevice> devices = devices();
    Edition last = edition;
    if (last != null && isSameToTheKubelet(devices)) {
      return last;
    }
    told = devices;
    Edition next = new Edition(last == null ? 1 : last.number() + 1, build(devices));
    edition = next;
    return next;
  }

  private List<NodeDevice> devices() {
    Map<String, NodeDevice> present = new LinkedHashMap<>();
    node.devices().forEach(device -> present.put(device.uuid(), device));
    seen.replaceAll(
        (uuid, device) ->
            present.containsKey(uuid)
                ? device
                : new NodeDevice(
                    device.index(), uuid, false, "is not on the node any more", device.numaNode()));
    seen.putAll(present);
    return List.copyOf(seen.values());
  }

  private boolean isSameToTheKubelet(List<NodeDevice> devices) {
    if (devices.size() != told.size()) {
      return false;
    }
    for (int i = 0; i < devices.size(); i++) {
      NodeDevice one = devices.get(i);
      NodeDevice other = told.get(i);
      if (!one.uuid().equals(other.uuid())
          || one.healthy() != other.healthy()
          || !one.numaNode().equals(other.numaNode())) {
        return false;
      }
    }
    return true;
  }

  private static ListAndWatchResponse build(List<NodeDevice> devices) {
    ListAndWatchResponse.Builder list = ListAndWatchResponse.newBuilder();
    for (NodeDevice device : devices) {
      Device.Builder unit =
          Device.newBuilder().setHealth(device.healthy() ? "Healthy" : "Unhealthy");
      // A number that the node does not have makes every pod fail.
      device
          .numaNode()
          .ifPresent(
              numa ->
                  unit.setTopology(
                      TopologyInfo.newBuilder().addNodes(NUMANode.newBuilder().setID(numa))));
      for (int i = 0; i < UnitId.PER_DEVICE; i++) {
        list.addDevices(unit.setID(new UnitId(device.uuid(), i).text()).build());
      }
    }
    return list.build();
  }
}
