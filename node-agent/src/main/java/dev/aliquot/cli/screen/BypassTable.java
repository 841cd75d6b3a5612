package dev.aliquot.cli.screen;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * What is not accounted for or not given back, and what was lately done about it, as lines; none
 * where nothing is.
 */
public final class BypassTable {
  private static final int MOST_EVENTS = 10;

  private BypassTable() {}

  /** The lines, each part after an empty one. */
  public static List<String> lines(NodeView node) {
    List<String> lines = new ArrayList<>();
    Table table =
        new Table(
            "FOUND",
            "TENANT",
            ">GPU",
            ">PID",
            "COMMAND",
            ">HOLDS",
            "SINCE",
            "CONTAINER OR CGROUP",
            "ACTION");
    for (TenantView tenant : node.tenants()) {
      tenant.bypasses().forEach(each -> row(table, each, tenant.name(), tenant.deviceIndex()));
    }
    for (DeviceView device : node.devices()) {
      device.bypasses().forEach(each -> row(table, each, "-", device.index()));
    }
    if (!table.isEmpty()) {
      lines.add("");
      lines.addAll(table.lines());
    }
    List<EventView> events = node.events();
    if (!events.isEmpty()) {
      lines.add("");
      for (EventView event :
          events.subList(Math.max(0, events.size() - MOST_EVENTS), events.size())) {
        lines.add(
            Ansi.harmless(
                event.time().truncatedTo(ChronoUnit.SECONDS)
                    + "  "
                    + event.what()
                    + ": "
                    + event.reason()));
      }
    }
    return lines;
  }

  private static void row(Table table, BypassView bypass, String tenant, int device) {
    table.row(
        bypass.kind(),
        tenant,
        device,
        bypass.pid(),
        bypass.command(),
        ByteSize.shortText(bypass.bytes()),
        bypass.since().truncatedTo(ChronoUnit.SECONDS),
        bypass.container().isEmpty() ? bypass.cgroup() : bypass.container(),
        bypass.action());
  }
}
