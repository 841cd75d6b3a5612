package dev.aliquot.cli;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.screen.BypassTable;
import dev.aliquot.cli.screen.KubeletLines;
import dev.aliquot.cli.screen.MoveText;
import dev.aliquot.cli.screen.Table;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the node once. */
@Command(
    description = "Show devices and tenants.",
    footer = {
      "",
      "Examples:",
      "  aliquot status",
      "  aliquot status --json | jq '.tenants[].usedBytes'"
    })
final class StatusCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private StateDirOption state = new StateDirOption();

  @Option(names = "--json", description = "As JSON, as GET /api/v1/node answers.")
  private boolean json;

  @Override
  public Integer call() throws CommandFailure {
    NodeView node = state.agent().node();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.pretty(node));
    } else {
      print(node, out);
    }
    out.flush();
    return ExitCode.OK;
  }

  private static void print(NodeView node, PrintWriter out) {
    out.println(
        "node %s, driver %s, CUDA %s%s%s"
            .formatted(
                node.node(),
                node.driverVersion(),
                node.cudaVersion(),
                node.simulated() ? ", simulated" : "",
                node.ready() ? "" : ", NOT READY: " + node.readyReason()));
    out.println();
    Table devices =
        new Table(
            ">GPU",
            "NAME",
            ">CAPACITY",
            ">ALLOCATED",
            ">FREE",
            ">LENT",
            ">USED",
            ">BUSY",
            ">EXCHANGES/MIN",
            "HEALTH",
            "UUID");
    for (DeviceView d : node.devices()) {
      devices.row(
          d.index(),
          d.name(),
          ByteSize.shortText(d.capacityBytes()),
          ByteSize.shortText(d.allocatedBytes()),
          ByteSize.shortText(Math.max(0, d.capacityBytes() - d.allocatedBytes())),
          ByteSize.shortText(d.loanBytes()),
          ByteSize.shortText(d.usedBytes()),
          d.utilizationPercent() < 0 ? "-" : d.utilizationPercent() + "%",
          d.exchangesPerMinute(),
          d.healthReason().isEmpty() ? d.health() : d.health() + ": " + d.healthReason(),
          d.uuid());
    }
    devices.lines().forEach(out::println);
    out.println();
    if (node.tenants().isEmpty()) {
      out.println("no tenants");
    } else {
      tenants(node, out);
    }
    BypassTable.lines(node).forEach(out::println);
    KubeletLines.of(node.kubelet()).forEach(out::println);
  }

  private static void tenants(NodeView node, PrintWriter out) {
    Table tenants =
        new Table(
            "TENANT",
            "ID",
            ">GPU",
            ">REQUEST",
            ">LIMIT",
            ">USED",
            ">LOAN",
            ">CREDIT",
            ">DEMOTED",
            ">OVERHEAD",
            ">PROCESSES",
            ">REFUSED",
            ">SWAPPED OUT",
            "LAST MOVE",
            "STATE");
    for (TenantView t : node.tenants()) {
      tenants.row(
          t.name(),
          t.id(),
          t.deviceIndex() < 0 ? "-" : t.deviceIndex(),
          ByteSize.shortText(t.requestBytes()),
          ByteSize.shortText(t.limitBytes()),
          ByteSize.shortText(t.usedBytes()),
          ByteSize.shortText(t.loanBytes()),
          ByteSize.shortText(t.creditBytes()),
          ByteSize.shortText(t.demotedBytes()),
          ByteSize.shortText(t.overheadBytes()),
          t.processes().size(),
          t.refusals(),
          t.swap().swapOuts(),
          MoveText.last(t.swap()),
          MoveText.state(t));
    }
    tenants.lines().forEach(out::println);
  }
}
