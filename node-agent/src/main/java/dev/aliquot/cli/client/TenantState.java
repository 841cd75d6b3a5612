package dev.aliquot.cli.client;

import dev.aliquot.agent.view.TenantView;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/** One tenant as the agent shows it, looked at again and again. */
public final class TenantState {
  private static final Duration LOOK = Duration.ofMillis(50);

  private final AgentClient agent;
  private final String idOrName;

  public TenantState(AgentClient agent, String idOrName) {
    this.agent = agent;
    this.idOrName = idOrName;
  }

  /** As it is now; empty: there is none. A tenant of several devices is shown as on its first. */
  public Optional<TenantView> now() throws CommandFailure {
    return agent.node().tenants().stream()
        .filter(view -> view.id().equals(idOrName) || view.name().equals(idOrName))
        .findFirst();
  }

  /**
   * Waits until a state is reached, or the time is over.
   *
   * @return as it was last seen
   * @throws CommandFailure the tenant has ended meanwhile, or the agent does not answer
   */
  public TenantView await(Predicate<String> reached, Duration most)
      throws CommandFailure, InterruptedException {
    long endNanos = System.nanoTime() + most.toNanos();
    while (true) {
      TenantView view =
          now()
              .orElseThrow(
                  () ->
                      new CommandFailure(
                          ExitCode.FAILED, "tenant " + idOrName + " has ended meanwhile"));
      if (reached.test(view.state()) || System.nanoTime() - endNanos >= 0) {
        return view;
      }
      Thread.sleep(LOOK);
    }
  }
}
