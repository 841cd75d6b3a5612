package dev.aliquot.cli;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Ends a tenant. */
@Command(
    description = "End a tenant: its processes may hold nothing new; it is gone when they are.",
    footer = {"", "Example:", "  aliquot end train-1"})
final class EndCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  @Parameters(paramLabel = "TENANT", description = "Its id or name, as aliquot status shows it.")
  private String tenant = "";

  @Override
  public Integer call() throws CommandFailure {
    state.agent().end(tenant);
    return ExitCode.OK;
  }
}
