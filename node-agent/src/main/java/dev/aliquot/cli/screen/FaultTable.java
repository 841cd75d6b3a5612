package dev.aliquot.cli.screen;

import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.agent.view.NodeView;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** Devices' states and the latest faults, as lines. */
public final class FaultTable {
  private FaultTable() {}

  /** All of it. */
  public static List<String> health(NodeView node) {
    List<String> lines = new ArrayList<>();
    Table devices = new Table(">GPU", "UUID", "STATE", "REASON");
    for (DeviceView device : node.devices()) {
      boolean decided =
          device.healthReason().isEmpty() || device.healthReason().startsWith(device.state());
      devices.row(
          device.index(),
          device.uuid(),
          device.state().equals("healthy") && !device.health().equals("healthy")
              ? device.health()
              : device.state() + (device.replace() ? ", replace" : ""),
          decided ? device.stateReason() : device.healthReason());
    }
    lines.addAll(devices.lines());
    lines.add("");
    if (node.health().faults().isEmpty()) {
      lines.add("no faults");
    } else {
      lines.addAll(faults(node).lines());
    }
    node.health().degraded().forEach(each -> lines.add("degraded: " + each));
    KubernetesView cluster = node.health().kubernetes();
    if (cluster != null) {
      lines.addAll(cluster(cluster));
    }
    lines.add("table of XIDs: " + node.health().catalogue());
    return lines.stream().map(Ansi::harmless).toList();
  }

  private static List<String> cluster(KubernetesView cluster) {
    List<String> lines = new ArrayList<>();
    cluster.wouldDo().forEach(each -> lines.add("the cluster, dry run: would " + each));
    if (!cluster.problem().isEmpty()) {
      lines.add("the cluster: " + cluster.problem());
    }
    if (!cluster.hyperPod().isEmpty()) {
      lines.add("HyperPod: " + cluster.hyperPod());
    }
    return lines;
  }

  private static Table faults(NodeView node) {
    Table table =
        new Table("LAST", ">GPU", "FAULT", "CLASS", ">TIMES", "TENANT", "PROCESS", "WHAT HAPPENED");
    for (FaultView fault : node.health().faults()) {
      table.row(
          fault.last().truncatedTo(ChronoUnit.SECONDS),
          index(node, fault.device()),
          (Character.isDigit(fault.code().charAt(0)) ? "XID " : "")
              + fault.code()
              + (fault.drill() ? " (drill)" : ""),
          fault.faultClass(),
          fault.sightings(),
          fault.tenantName().isEmpty() ? "-" : fault.tenantName(),
          fault.pid() == 0 ? "-" : fault.pid() + " " + fault.process(),
          fault.text() + (fault.place().isEmpty() ? "" : " At " + fault.place() + "."));
    }
    return table;
  }

  private static String index(NodeView node, String uuid) {
    return node.devices().stream()
        .filter(device -> device.uuid().equals(uuid))
        .map(device -> Integer.toString(device.index()))
        .findFirst()
        .orElse(uuid.isEmpty() ? "-" : uuid);
  }
}
