package dev.aliquot.cli;

import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * A command that works on the sources, so that the launcher at their root carries it out; here for
 * the help.
 */
@Command(description = "Works on the sources: the launcher ./aliquot at their root carries it out.")
final class LauncherCommand implements Callable<Integer> {
  private final String name;

  @Parameters(arity = "0..*", hidden = true)
  private List<String> arguments = List.of();

  LauncherCommand(String name) {
    this.name = name;
  }

  @Override
  public Integer call() throws CommandFailure {
    throw new CommandFailure(
        ExitCode.USAGE,
        name
            + " works on the sources: run ./aliquot "
            + (name + " " + String.join(" ", arguments)).strip()
            + " at their root");
  }
}
