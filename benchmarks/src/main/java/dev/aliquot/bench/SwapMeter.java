package dev.aliquot.bench;

import dev.aliquot.agent.SwapWay;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import java.io.IOException;
import java.time.Duration;

/**
 * Has tenants leave and come back, one at a time, and measures it. After each way back all data has
 * been read, and a wrong word is a {@link BenchException}.
 */
final class SwapMeter {
  /** Longer than a tenant has to rest before the agent takes it for idle, and notices. */
  private static final Duration REST = Duration.ofSeconds(2);

  /** The agent's counters of one direction. */
  private record Counters(double bytes, double copySeconds, double closedSeconds) {
    private Counters minus(Counters other) {
      return new Counters(
          bytes - other.bytes,
          copySeconds - other.copySeconds,
          closedSeconds - other.closedSeconds);
    }
  }

  private final BenchAgent agent;
  private final AgentClient client;

  SwapMeter(BenchAgent agent) {
    this.agent = agent;
    this.client = new AgentClient(agent.stateDir());
  }

  /**
   * From the command until the tenant is swapped out.
   *
   * @param heldBytes what has to move
   */
  Move out(BenchProgram program, long heldBytes)
      throws IOException, InterruptedException, BenchException {
    return out(program, heldBytes, SwapWay.OUT, "swapped");
  }

  /** The same until its contexts are off the device, too. */
  Move outDeep(BenchProgram program, long heldBytes)
      throws IOException, InterruptedException, BenchException {
    return out(program, heldBytes, SwapWay.OUT_DEEP, "deep");
  }

  private Move out(BenchProgram program, long heldBytes, SwapWay way, String state)
      throws IOException, InterruptedException, BenchException {
    Counters before = counters("demoted");
    long began = System.nanoTime();
    leave(program, way);
    Await.that("a tenant is not " + state, () -> tenant(program).state().equals(state));
    double millis = (System.nanoTime() - began) / 1e6;
    Counters moved = moved("demoted", before, heldBytes);
    return new Move(moved.bytes, millis, moved.copySeconds * 1e3, moved.closedSeconds * 1e3);
  }

  /** From the first launch until it returns, by the program's clock; there is room. */
  Move in(BenchProgram program, long heldBytes)
      throws IOException, InterruptedException, BenchException {
    Counters before = counters("promoted");
    double millis = launch(program);
    Counters moved = moved("promoted", before, heldBytes);
    return new Move(moved.bytes, millis, moved.copySeconds * 1e3, moved.closedSeconds * 1e3);
  }

  /** The same where another tenant, idle and of the same size, has to leave for it. */
  Move exchange(BenchProgram returning, BenchProgram leaving, long heldBytes)
      throws IOException, InterruptedException, BenchException {
    Thread.sleep(REST);
    Counters outBefore = counters("demoted");
    Counters inBefore = counters("promoted");
    double millis = launch(returning);
    Counters out = moved("demoted", outBefore, heldBytes);
    Counters in = moved("promoted", inBefore, heldBytes);
    Await.that("the other tenant is not out", () -> tenant(leaving).state().equals("swapped"));
    return new Move(
        out.bytes + in.bytes,
        millis,
        (out.copySeconds + in.copySeconds) * 1e3,
        (out.closedSeconds + in.closedSeconds) * 1e3);
  }

  private double launch(BenchProgram program)
      throws IOException, InterruptedException, BenchException {
    double millis = program.check();
    long demoted = tenant(program).demotedBytes();
    if (demoted != 0) {
      throw new BenchException(
          program.name() + " ran again with " + demoted + " bytes still in host memory");
    }
    long wrong = program.wrongWords();
    if (wrong != 0) {
      throw new BenchException(wrong + " words were wrong");
    }
    return millis;
  }

  private void leave(BenchProgram program, SwapWay way) throws BenchException {
    try {
      client.swap(program.name(), way);
    } catch (CommandFailure e) {
      throw new BenchException(String.valueOf(e.getMessage()), e);
    }
  }

  private TenantView tenant(BenchProgram program) throws BenchException {
    try {
      return client.node().tenants().stream()
          .filter(view -> view.name().equals(program.name()))
          .findFirst()
          .orElseThrow(() -> new BenchException("tenant " + program.name() + " has ended"));
    } catch (CommandFailure e) {
      throw new BenchException(String.valueOf(e.getMessage()), e);
    }
  }

  private Counters counters(String direction) throws IOException, InterruptedException {
    String label = "direction=\"" + direction + "\"";
    return new Counters(
        agent.metric("aliquot_moved_bytes_total", label),
        agent.metric("aliquot_move_copy_seconds_total", label),
        agent.metric("aliquot_move_closed_seconds_total", label));
  }

  /** A process says what it has moved a little after it has. */
  private Counters moved(String direction, Counters before, long bytes)
      throws IOException, InterruptedException, BenchException {
    Await.that("not all was " + direction, () -> counters(direction).minus(before).bytes >= bytes);
    return counters(direction).minus(before);
  }
}
