package dev.aliquot.cli;

import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.client.ExitCode;
import dev.aliquot.cli.client.StateDirOption;
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
      "program changes. It takes a limit above its request: only such memory moves.",
      "",
      "Exit code: 0 when it is done; 1 when it could not be, or took longer than --timeout.",
      "",
      "Examples:",
      "  aliquot swap out notebook",
      "  aliquot swap in notebook"
    })
final class SwapCommand implements Callable<Integer> {
  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Set<String> MOVING = Set.of("leaving", "returning");

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
    agent.swap(tenant, way == Way.OUT);
    long endNanos = System.nanoTime() + Duration.ofSeconds(timeoutSeconds).toNanos();
    String seen = "";
    while (System.nanoTime() - endNanos < 0) {
      seen = stateOf(agent);
      if (seen.isEmpty()) {
        throw new CommandFailure(ExitCode.FAILED, "tenant " + tenant + " has ended meanwhile");
      }
      if (!MOVING.contains(seen)) {
        break;
      }
      Thread.sleep(LOOK);
    }
    boolean done = seen.equals("swapped") == (way == Way.OUT) && !MOVING.contains(seen);
    if (!done) {
      throw new CommandFailure(
          ExitCode.FAILED,
          way == Way.OUT
              ? "tenant "
                  + tenant
                  + " is "
                  + seen
                  + " and not out: it is using its device, or the host pool is full; the agent's log"
                  + " says which"
              : "tenant " + tenant + " is " + seen + ": others do not make room for it yet");
    }
    return ExitCode.OK;
  }

  private String stateOf(AgentClient agent) throws CommandFailure {
    return agent.node().tenants().stream()
        .filter(view -> view.id().equals(tenant) || view.name().equals(tenant))
        .map(TenantView::state)
        .findFirst()
        .orElse("");
  }
}
