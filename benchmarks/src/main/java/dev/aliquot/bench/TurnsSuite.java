package dev.aliquot.bench;

import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * Two tenants need four fifths of a device each and work all the time: what they get done by taking
 * turns, beside what each does alone.
 *
 * <p>A round is a kernel that keeps the device busy for so long, and then kernels that read
 * something of each 16 MiB and count wrong words. On the simulated device a round with data in host
 * memory is as fast as any other, so those are not counted.
 */
final class TurnsSuite implements Suite {
  private static final long MIB = 1L << 20;
  private static final long BLOCK_BYTES = 64 * MIB;
  private static final int KERNEL_MILLIS = 20;

  /** The simulator makes none smaller; most of it is not to be had. */
  private static final long MEMORY_BYTES = 512 * MIB;

  private static final long DEVICE_BYTES = 160 * MIB;
  private static final long HELD_BYTES = DEVICE_BYTES * 4 / 5;

  /** Data at one of these rates takes as long as a GPU's would over its bus. */
  private record Bus(String text, long bytesPerSecond, int exchanges) {}

  private static final Bus QUICK = new Bus("0.5 s each way", 2 * HELD_BYTES, 2);

  /** Four fifths of 80 GiB at 53 GiB/s. */
  private static final Bus LARGE = new Bus("1.2 s each way", HELD_BYTES * 10 / 12, 4);

  private static final long CONTEXT_BYTES = 4 * MIB;
  private static final Duration MOST = Duration.ofSeconds(150);

  @Override
  public String name() {
    return "turns";
  }

  @Override
  public String summary() {
    return "what two tenants that need most of a device each get done by taking turns";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress) throws BenchException {
    try {
      Bus bus = settings.quick() ? QUICK : LARGE;
      progress.accept(bus.text());
      return device(settings, bus);
    } catch (IOException | CommandFailure e) {
      throw new BenchException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("interrupted", e);
    }
  }

  private List<Figure> device(Settings settings, Bus bus)
      throws IOException, InterruptedException, BenchException, CommandFailure {
    String node =
        "devices=1,model=H100,memory="
            + MEMORY_BYTES
            + ",reserved="
            + (MEMORY_BYTES - DEVICE_BYTES)
            + ",context="
            + CONTEXT_BYTES
            + ",copyBytesPerSecond="
            + bus.bytesPerSecond();
    List<String> options =
        List.of("--headroom-min", "4MiB", "--host-pool-size", 4 * DEVICE_BYTES / MIB + "MiB");
    Duration alone = Duration.ofSeconds(settings.quick() ? 3 : 4);
    try (BenchAgent agent = BenchAgent.start(settings, node, options)) {
      DeviceView device = new AgentClient(agent.stateDir()).node().devices().getFirst();
      List<String> share =
          List.of(
              "--gpu-memory",
              device.capacityBytes() / 4 / MIB + "MiB",
              "--gpu-memory-limit",
              device.capacityBytes() / MIB + "MiB");
      try (BenchProgram one = new BenchProgram(settings, agent, "one", share)) {
        grow(one, HELD_BYTES);
        double oneRate = alone(one, alone);
        try (BenchProgram two = new BenchProgram(settings, agent, "two", share)) {
          grow(two, HELD_BYTES);
          double twoRate = alone(two, alone);
          Turns turns = together(agent, one, two, bus.exchanges());
          return turns.figures(name(), bus.text(), oneRate, twoRate);
        }
      }
    }
  }

  private static void grow(BenchProgram program, long bytes) throws IOException, BenchException {
    for (long grown = 0; grown < bytes; grown += BLOCK_BYTES) {
      program.grow(BLOCK_BYTES);
    }
  }

  /** Rounds per second. */
  private static double alone(BenchProgram program, Duration time)
      throws IOException, InterruptedException, BenchException {
    try (Working working = Working.begin(program, KERNEL_MILLIS)) {
      Thread.sleep(500);
      long beganNanos = System.nanoTime();
      Thread.sleep(time);
      long endNanos = System.nanoTime();
      return (working.rounds(endNanos) - working.rounds(beganNanos))
          / ((endNanos - beganNanos) / 1e9);
    }
  }

  private static Turns together(BenchAgent agent, BenchProgram one, BenchProgram two, int exchanges)
      throws IOException, InterruptedException, BenchException {
    try (Working workingTwo = Working.begin(two, KERNEL_MILLIS);
        Working workingOne = Working.begin(one, KERNEL_MILLIS)) {
      return new TurnsWatch(agent, workingOne, workingTwo).turns(exchanges, MOST);
    }
  }
}
