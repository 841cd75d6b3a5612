package dev.aliquot.cli;

import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.client.TenantState;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Waits until a tenant is on its device, or in another state. */
@Command(
    description = "Wait until a tenant is on its device.",
    footer = {
      "",
      "It only looks: a tenant that is out stays out until its program needs the device, or",
      "aliquot swap in brings it back.",
      "",
      "Exit code: 0 when it is; 1 when it was not in time, has ended, or is not there.",
      "",
      "Examples:",
      "  aliquot wait notebook",
      "  aliquot wait notebook --timeout 0 || echo \"not now\"",
      "  aliquot wait notebook --for swapped"
    })
final class WaitCommand implements Callable<Integer> {
  @Mixin private StateDirOption state = new StateDirOption();

  /** What to wait for: the names of {@link TenantView#state}. */
  enum Wanted {
    running,
    swapped,
    deep;
  }

  @Option(
      names = "--for",
      paramLabel = "running|swapped|deep",
      description = "Which state to wait for (default: ${DEFAULT-VALUE}).")
  private Wanted wanted = Wanted.running;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "How long to wait; 0: only look (default: ${DEFAULT-VALUE}).")
  private int timeoutSeconds = 60;

  @Parameters(paramLabel = "TENANT", description = "Its id or name, as aliquot status shows it.")
  private String tenant = "";

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    TenantState watched = new TenantState(state.agent(), tenant);
    if (watched.now().isEmpty()) {
      throw new CommandFailure(
          ExitCode.FAILED, "there is no tenant " + tenant + ": aliquot status lists them");
    }
    TenantView seen =
        watched.await(now -> now.equals(wanted.name()), Duration.ofSeconds(timeoutSeconds));
    if (!seen.state().equals(wanted.name())) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "tenant " + tenant + " is " + seen.state() + " after " + timeoutSeconds + " s");
    }
    return ExitCode.OK;
  }
}
