package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.kubernetes.PodName;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.node.DeviceStanding;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a cluster is told of, as it is now.
 *
 * @param expectedDevices how many the node has; 0: not known
 */
record ClusterSources(Inventory inventory, Tenants tenants, int expectedDevices) {

  List<DeviceStanding> devices() {
    List<DeviceStanding> there =
        inventory.devices().stream().map(ClusterSources::standing).toList();
    return Stream.concat(
            there.stream(),
            IntStream.range(there.size(), expectedDevices).mapToObj(ClusterSources::missing))
        .toList();
  }

  /** One that was not there when the agent started; the driver does not say which. */
  private static DeviceStanding missing(int index) {
    return new DeviceStanding(
        index,
        "missing",
        Verdict.ofDevice(
            DeviceState.LOST, "it is expected, and the driver does not have it", false));
  }

  private static DeviceStanding standing(Device device) {
    return new DeviceStanding(device.facts().index(), device.uuid(), device.verdict());
  }

  /** The pods with a share of a device. */
  Set<PodName> pods(String device) {
    return tenants.all().stream()
        .map(tenant -> tenant.record())
        .filter(record -> record.grants().stream().anyMatch(each -> each.device().equals(device)))
        .filter(record -> !record.pod().isEmpty())
        .map(record -> new PodName(record.namespace(), record.pod()))
        .collect(Collectors.toUnmodifiableSet());
  }
}
