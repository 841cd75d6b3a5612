package dev.aliquot.cli.health;

import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.screen.FaultTable;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows how the devices are and the latest faults. */
@Command(
    description = "Show how devices are, and the latest faults; clear a device; practise.",
    subcommands = {ClearCommand.class, DrillCommand.class},
    footer = {
      "",
      "Exit code: 0 when every device takes tenants; 1 when one does not.",
      "",
      "Examples:",
      "  aliquot health",
      "  aliquot health clear 0",
      "  aliquot health drill --code 79 --dry-run"
    })
public final class HealthCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private StateDirOption state = new StateDirOption();

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  @Override
  public Integer call() throws CommandFailure {
    NodeView node = state.agent().node();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      List<Map<String, Object>> devices = node.devices().stream().map(HealthCommand::json).toList();
      out.println(Json.pretty(Map.of("devices", devices, "health", node.health())));
    } else {
      FaultTable.health(node).forEach(out::println);
    }
    out.flush();
    boolean well = node.devices().stream().allMatch(device -> device.health().equals("healthy"));
    return well ? ExitCode.OK : ExitCode.FAILED;
  }

  private static Map<String, Object> json(DeviceView device) {
    return Map.of(
        "index", device.index(),
        "uuid", device.uuid(),
        "health", device.health(),
        "state", device.state(),
        "reason", device.healthReason().isEmpty() ? device.stateReason() : device.healthReason(),
        "replace", device.replace());
  }
}
