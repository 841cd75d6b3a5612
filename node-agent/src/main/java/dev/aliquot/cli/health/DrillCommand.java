package dev.aliquot.cli.health;

import dev.aliquot.agent.http.Json;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.DrillView;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a fault for practice. */
@Command(
    name = "drill",
    description = "Make a fault for practice, by way of the kernel log, or say what it would do.",
    footer = {
      "",
      "A drill is marked as one in the log, the API and the metrics. A device that it took out is",
      "back by itself after health-hold; nothing happens to its hardware.",
      "",
      "Examples:",
      "  aliquot health drill --code 79 --dry-run",
      "  aliquot health drill --code 31 --pid 4711 --device 1"
    })
final class DrillCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private StateDirOption state = new StateDirOption();

  @Option(names = "--device", paramLabel = "DEVICE", description = "Index or UUID (default: 0).")
  private @Nullable String device;

  @Option(names = "--code", required = true, paramLabel = "XID", description = "The XID.")
  private int code;

  @Option(names = "--pid", paramLabel = "PID", description = "The process that it is to name.")
  private @Nullable Integer pid;

  @Option(names = "--message", paramLabel = "TEXT", description = "In the driver's words.")
  private @Nullable String message;

  @Option(names = "--dry-run", description = "Only say what it would do.")
  private boolean dryRun;

  @Option(names = "--json", description = "As JSON.")
  private boolean json;

  @Override
  public Integer call() throws CommandFailure {
    DrillView view = state.agent().drill(new DrillSpec(device, code, pid, message, dryRun));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.pretty(view));
    } else {
      out.println("XID " + view.code() + " (" + view.name() + "), class " + view.faultClass());
      out.println(view.text() + " " + view.action());
      out.println(
          "device "
              + view.device()
              + (view.done() ? " becomes " : " would become ")
              + view.state()
              + ", were it healthy before");
      out.println(
          view.blamed().isEmpty() ? "nobody is to blame" : "to blame: tenant " + view.blamed());
      out.println(
          "tenants there: "
              + (view.tenants().isEmpty() ? "none" : String.join(", ", view.tenants())));
    }
    out.flush();
    return ExitCode.OK;
  }
}
