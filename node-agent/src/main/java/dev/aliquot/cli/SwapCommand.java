package dev.aliquot.cli;

import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
import dev.aliquot.cli.client.TenantState;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Moves a tenant's data to host memory, or back, and waits until it is there. */
@Command(
    description = "Move a tenant's GPU memory to host memory, or back.",
    footer = {
      "",
      "A tenant that is out comes back by itself when it next uses its device; nothing in its",
      "program changes. Without --deep it takes a limit above its request: only such memory moves.",
      "With --deep the driver takes off the device whatever the tenant has there, into the memory",
      "of its processes.",
      "",
      "Exit code: 0 when it is done; 1 when it could not be, or took longer than --timeout.",
      "",
      "Examples:",
      "  aliquot swap out notebook",
      "  aliquot swap out --deep notebook",
      "  aliquot swap in notebook"
    })
final class SwapCommand implements Callable<Integer> {
  private static final Set<String> MOVING = Set.of("leaving", "returning", "diving", "surfacing");

  /** Which way. */
  enum Way {
    OUT,
    IN;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Mixin private StateDirOption state = new StateDirOption();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "How long to wait for it (default: ${DEFAULT-VALUE}).")
  private int timeoutSeconds = 60;

  @Option(
      names = "--deep",
      description =
          "With out: its contexts leave the device, too, and all else that does not move, by the"
              + " driver's checkpoint; it takes longer to come back.")
  private boolean deep;

  @Parameters(index = "0", paramLabel = "out|in", description = "Which way.")
  private Way way = Way.OUT;

  @Parameters(
      index = "1",
      paramLabel = "TENANT",
      description = "Its id or name, as aliquot status shows it.")
  private String tenant = "";

  @Override
  public Integer call() throws CommandFailure, InterruptedException {
    AgentClient agent = state.agent();
    boolean out = way == Way.OUT;
    if (deep && !out) {
      throw new CommandFailure(ExitCode.USAGE, "--deep goes with out");
    }
    agent.swap(tenant, deep ? SwapWay.OUT_DEEP : out ? SwapWay.OUT : SwapWay.IN);
    TenantView view =
        new TenantState(agent, tenant)
            .await(now -> !MOVING.contains(now), Duration.ofSeconds(timeoutSeconds));
    String seen = view.state();
    boolean isDeep = seen.equals("deep");
    boolean isOut = isDeep || (seen.equals("swapped") && !deep);
    boolean done = out ? isOut : seen.equals("running");
    if (!done) {
      throw new CommandFailure(
          ExitCode.FAILED,
          out
              ? "tenant "
                  + tenant
                  + " is "
                  + seen
                  + (deep ? " and not deep" : " and not out")
                  + (view.swap().stays().isEmpty() ? "" : ": " + view.swap().stays())
              : "tenant " + tenant + " is " + seen + ": others do not make room for it yet");
    }
    return ExitCode.OK;
  }
}
