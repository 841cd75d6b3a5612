package dev.aliquot.cli;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.program.PackedProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Works on a simulated node, an agent's or one of its own, with the simulator's tool. */
@Command(
    description = {
      "Make, show and disturb a simulated node.",
      "ACTION is create, show, xid, recovery, ecc, remap, lost, temperature or destroy;",
      "without --node it works on the running agent's own node."
    },
    footer = {
      "",
      "Examples:",
      "  aliquot simulate show",
      "  aliquot simulate xid --device 0 --code 79",
      "  aliquot simulate recovery --device 0 --action 1",
      "  aliquot simulate --node /tmp/node create devices=4,memory=8GiB,model=A100",
      "  aliquot simulate --node /tmp/node destroy",
    })
final class SimulateCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  @Option(
      names = "--node",
      paramLabel = "DIR",
      description = "The node's folder (default: node in the state folder).")
  private @Nullable Path node;

  @Parameters(paramLabel = "ACTION", arity = "1..*", description = "What to do, and its arguments.")
  private List<String> action = List.of();

  /** What follows the action is the tool's, options too. */
  @Spec
  void spec(CommandSpec command) {
    command.parser().stopAtPositional(true);
  }

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    Path folder = PackedProgram.temporaryFolder("aliquot-sim-");
    try {
      Path tool = PackedProgram.unpack("simulator/aliquot-sim", folder);
      List<String> command = new ArrayList<>(List.of(tool.toString(), action.getFirst()));
      command.add((node == null ? state.path().resolve("node") : node.toAbsolutePath()).toString());
      command.addAll(action.subList(1, action.size()));
      return new ProcessBuilder(command).inheritIO().start().waitFor();
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED, "cannot run the simulator's tool: " + e.getMessage());
    } finally {
      PackedProgram.delete(folder);
    }
  }
}
