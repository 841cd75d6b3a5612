package dev.aliquot.bench;

import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Two programs that take turns on one device, and the agent that has them do so. */
final class TurnsWatch {
  private static final Duration LOOK = Duration.ofMillis(100);

  private final BenchAgent agent;
  private final AgentClient client;
  private final Worker one;
  private final Worker two;
  private final double leftBefore;
  private final List<Long> leavings = new ArrayList<>();

  /** One of the two at the last look. */
  private static final class Worker {
    final Working working;
    boolean demoted;
    long rounds;

    /** Since the first of them left. */
    long busRounds;

    Worker(Working working) {
      this.working = working;
    }
  }

  TurnsWatch(BenchAgent agent, Working one, Working two) throws IOException, InterruptedException {
    this.agent = agent;
    this.client = new AgentClient(agent.stateDir());
    this.one = new Worker(one);
    this.two = new Worker(two);
    this.leftBefore = left();
  }

  /**
   * Waits for the first of them to leave, and then for so many more exchanges.
   *
   * @param most for all of it
   */
  Turns turns(int exchanges, Duration most)
      throws IOException, InterruptedException, BenchException {
    long beganNanos = System.nanoTime();
    while (leavings.size() <= exchanges && System.nanoTime() - beganNanos < most.toNanos()) {
      Thread.sleep(LOOK);
      look();
    }
    long endNanos = leavings.size() > exchanges ? leavings.getLast() : System.nanoTime();
    long firstNanos = leavings.isEmpty() ? beganNanos : leavings.getFirst();
    return new Turns(
        (endNanos - firstNanos) / 1e9,
        rounds(one, firstNanos, endNanos),
        rounds(two, firstNanos, endNanos),
        one.busRounds + two.busRounds,
        Math.max(0, leavings.size() - 1),
        standstillMillis(),
        Math.max(
            one.working.longestWaitMillis(firstNanos, endNanos),
            two.working.longestWaitMillis(firstNanos, endNanos)));
  }

  private void look() throws IOException, InterruptedException, BenchException {
    long nanos = System.nanoTime();
    int more = (int) (left() - leftBefore) - leavings.size();
    if (more > 0 && leavings.isEmpty()) {
      one.busRounds = 0;
      two.busRounds = 0;
    }
    for (int i = 0; i < more; i++) {
      leavings.add(nanos);
    }
    try {
      List<TenantView> tenants = client.node().tenants();
      look(one, tenants, nanos);
      look(two, tenants, nanos);
    } catch (CommandFailure e) {
      throw new BenchException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void look(Worker worker, List<TenantView> tenants, long nanos)
      throws BenchException {
    boolean demoted =
        tenants.stream()
            .filter(view -> view.name().equals(worker.working.program().name()))
            .anyMatch(view -> view.demotedBytes() != 0);
    long rounds = worker.working.rounds(nanos);
    if (demoted && worker.demoted) {
      worker.busRounds += rounds - worker.rounds;
    }
    worker.demoted = demoted;
    worker.rounds = rounds;
  }

  private static long rounds(Worker worker, long firstNanos, long endNanos) throws BenchException {
    return worker.working.rounds(endNanos) - worker.working.rounds(firstNanos) - worker.busRounds;
  }

  /** In the middle, where there was an exchange. */
  private double standstillMillis() {
    double[] each =
        leavings.stream()
            .mapToDouble(
                nanos ->
                    Math.min(one.working.firstAfter(nanos), two.working.firstAfter(nanos))
                        - Math.max(one.working.lastBefore(nanos), two.working.lastBefore(nanos)))
            .sorted()
            .toArray();
    return each.length == 0 ? 0 : each[each.length / 2] / 1e6;
  }

  private double left() throws IOException, InterruptedException {
    return agent.metric("aliquot_swap_outs_total", "");
  }
}
