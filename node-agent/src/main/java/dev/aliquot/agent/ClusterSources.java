package dev.aliquot.agent;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.health.HealthWatch;
import dev.aliquot.agent.kubernetes.PodName;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.health.node.DeviceStanding;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What a cluster is told of, as it is now. */
record ClusterSources(Inventory inventory, Tenants tenants, HealthWatch watch) {

  List<DeviceStanding> devices() {
    Set<Long> drills =
        watch.faults().stream()
            .filter(FaultView::drill)
            .map(FaultView::id)
            .collect(Collectors.toSet());
    return inventory.devices().stream().map(device -> standing(device, drills)).toList();
  }

  private static DeviceStanding standing(Device device, Set<Long> drills) {
    Verdict verdict = device.verdict();
    return new DeviceStanding(
        device.facts().index(), device.uuid(), verdict, drills.contains(verdict.fault()));
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
