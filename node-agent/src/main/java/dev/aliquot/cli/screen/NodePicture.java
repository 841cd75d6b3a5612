package dev.aliquot.cli.screen;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A node as lines of text: a head line, a bar for each device, a bar for each tenant on it, the
 * processes. Immutable.
 */
public final class NodePicture {
  private static final int LEAST_BAR = 10;
  private static final int MOST_BAR = 50;
  private static final int BESIDE_BAR = 104;
  private static final int MOST_EVENTS = 5;
  private static final Set<String> OUT = Set.of("swapped", "deep");
  private static final Set<String> MOVING =
      Set.of("leaving", "returning", "diving", "surfacing", "lost");

  private final Ansi ansi;
  private final boolean unicode;

  /** With or without colours; bars of block characters or of {@code #}. */
  public NodePicture(Ansi ansi, boolean unicode) {
    this.ansi = ansi;
    this.unicode = unicode;
  }

  /** The lines, none wider than {@code columns}. */
  public List<String> lines(NodeView node, int columns, boolean processes) {
    int bar = Math.clamp(columns - BESIDE_BAR, LEAST_BAR, MOST_BAR);
    List<String> lines = new ArrayList<>();
    lines.add(
        ansi.bold("aliquot " + node.version())
            + "  node "
            + node.node()
            + "  driver "
            + node.driverVersion()
            + "  CUDA "
            + node.cudaVersion()
            + (node.simulated() ? ansi.yellow("  simulated") : "")
            + (node.ready() ? "" : ansi.red("  not ready: " + node.readyReason())));
    for (DeviceView device : node.devices()) {
      lines.add("");
      device(lines, node, device, bar);
    }
    if (processes) {
      processTable(lines, node);
    }
    events(lines, node, columns);
    return lines.stream().map(line -> Ansi.cut(Ansi.harmless(line), columns)).toList();
  }

  private void device(List<String> lines, NodeView node, DeviceView device, int bar) {
    String health =
        device.health().equals("healthy")
            ? ""
            : ansi.red("  " + device.health() + ": " + device.healthReason());
    String busy =
        device.utilizationPercent() < 0 ? "" : "  busy " + device.utilizationPercent() + " %";
    String heat = device.temperatureCelsius() < 0 ? "" : "  " + device.temperatureCelsius() + " C";
    lines.add(
        ansi.bold("GPU " + device.index() + "  " + device.name())
            + "  "
            + ansi.dim(device.uuid())
            + busy
            + heat
            + health);
    lines.add(
        "  %-16s %s  %s"
            .formatted(
                "device",
                Bar.of(device.usedBytes(), device.capacityBytes(), bar, ansi, unicode),
                amounts(device.usedBytes(), device.capacityBytes())
                    + "  allocated "
                    + percent(device.allocatedBytes(), device.capacityBytes())
                    + (device.exchangesPerMinute() == 0
                        ? ""
                        : "  exchanges " + device.exchangesPerMinute() + " a minute")));
    for (TenantView tenant : node.tenants()) {
      if (tenant.device().equals(device.uuid())) {
        lines.add(tenant(tenant, bar));
        tenant.bypasses().forEach(bypass -> lines.add(bypass(bypass)));
      }
    }
    device.bypasses().forEach(bypass -> lines.add(bypass(bypass)));
  }

  /** Said wherever the node is shown: nobody would ask for what he does not expect. */
  private String bypass(BypassView bypass) {
    return "    "
        + ansi.red(bypass.kind())
        + "  %s (%d) holds %s  since %s  %s"
            .formatted(
                bypass.command(),
                bypass.pid(),
                ByteSize.shortText(bypass.bytes()),
                bypass.since().truncatedTo(ChronoUnit.SECONDS),
                ansi.yellow(bypass.action()));
  }

  private void events(List<String> lines, NodeView node, int columns) {
    List<EventView> events = node.events();
    if (!events.isEmpty()) {
      lines.add("");
      for (EventView event :
          events.subList(Math.max(0, events.size() - MOST_EVENTS), events.size())) {
        lines.add(
            ansi.dim(event.time().truncatedTo(ChronoUnit.SECONDS).toString())
                + "  "
                + ansi.yellow(event.what()));
        int width = Math.max(1, columns - 4);
        String reason = event.reason();
        for (int from = 0; from < reason.length(); from += width) {
          lines.add("    " + reason.substring(from, Math.min(reason.length(), from + width)));
        }
      }
    }
  }

  private String tenant(TenantView tenant, int bar) {
    String lent =
        tenant.loanBytes() == 0
            ? ""
            : ansi.yellow("  loan " + ByteSize.shortText(tenant.loanBytes()));
    String demoted =
        tenant.demotedBytes() == 0
            ? ""
            : ansi.yellow(
                "  "
                    + (OUT.contains(tenant.state()) ? tenant.state() + " " : "demoted ")
                    + ByteSize.shortText(tenant.demotedBytes()));
    String refused = tenant.refusals() == 0 ? "" : ansi.yellow("  refused " + tenant.refusals());
    return "  %-16s %s  %s"
        .formatted(
            shortened(tenant.name()),
            Bar.of(tenant.usedBytes(), tenant.limitBytes(), bar, ansi, unicode),
            amounts(tenant.usedBytes(), tenant.limitBytes())
                + "  processes "
                + tenant.processes().size()
                + refused
                + lent
                + demoted
                + moving(tenant));
  }

  private String moving(TenantView tenant) {
    String state = tenant.state();
    return MOVING.contains(state) || !tenant.swap().stays().isEmpty()
        ? ansi.yellow("  " + MoveText.state(tenant))
        : "";
  }

  private void processTable(List<String> lines, NodeView node) {
    Table table = new Table("GPU", "TENANT", ">PID", ">REPORTED", ">OVERHEAD", "COMMAND");
    for (TenantView tenant : node.tenants()) {
      for (ProcessView process : tenant.processes()) {
        table.row(
            tenant.deviceIndex() < 0 ? "-" : tenant.deviceIndex(),
            tenant.name(),
            process.pid(),
            ByteSize.shortText(process.reportedBytes()),
            ByteSize.shortText(process.overheadBytes()),
            process.command());
      }
    }
    for (DeviceView device : node.devices()) {
      for (ProcessView process : device.strangers()) {
        table.row(
            device.index(),
            ansi.yellow("(no tenant)"),
            process.pid(),
            ByteSize.shortText(process.groundTruthBytes()),
            "",
            process.command());
      }
    }
    lines.add("");
    if (table.isEmpty()) {
      lines.add(ansi.dim("no process uses a device"));
      return;
    }
    List<String> rows = table.lines();
    lines.add(ansi.bold(rows.getFirst()));
    lines.addAll(rows.subList(1, rows.size()));
  }

  private static String amounts(long usedBytes, long ofBytes) {
    return "%9s of %9s %4s"
        .formatted(
            ByteSize.shortText(usedBytes),
            ByteSize.shortText(ofBytes),
            percent(usedBytes, ofBytes));
  }

  private static String percent(long part, long whole) {
    return whole <= 0 ? "-" : Math.round(100.0 * part / whole) + "%";
  }

  private static String shortened(String name) {
    return name.length() <= 16 ? name : name.substring(0, 15) + "…";
  }
}
