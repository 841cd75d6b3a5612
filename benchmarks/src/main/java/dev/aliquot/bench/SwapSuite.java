package dev.aliquot.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Tenants leave a device and come back to it, as fast as the copies alone where nothing is lost.
 *
 * <p>As much of the host pool is made ahead as a tenant holds, in pieces of 64 MiB. The first time,
 * a tenant takes its chunks out of these where its allocations have such pieces, else they are made
 * for it while it waits; after that it has chunks of its own.
 */
final class SwapSuite implements Suite {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;
  private static final List<Long> HELD_BYTES = List.of(GIB, 4 * GIB, 16 * GIB, 40 * GIB);
  private static final List<Long> BLOCK_BYTES = List.of(2 * MIB, 20 * MIB, GIB);

  /** A tenant's limit beyond what it holds: its context and what a piece wastes. */
  private static final long SPARE_BYTES = 512 * MIB;

  private static final long GOAL_FROM_BYTES = 4 * GIB;
  private static final int ROUNDS = 3;

  @Override
  public String name() {
    return "swap";
  }

  @Override
  public String summary() {
    return "how long a tenant takes to leave and to come back, beside the copies alone";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    List<Figure> figures = new ArrayList<>();
    for (long held : settings.quick() ? HELD_BYTES.subList(0, 1) : HELD_BYTES) {
      long needBytes = needBytes(settings, held);
      if (needBytes > Machine.availableBytes()) {
        progress.accept(text(held) + " left out: it takes " + text(needBytes) + " of memory");
        continue;
      }
      long headroomBytes = settings.real() ? headroomBytes(settings, held) : GIB / 4;
      if (headroomBytes < 0) {
        progress.accept(
            text(held) + " left out: the device is smaller than " + text(deviceBytes(held)));
        continue;
      }
      figures.addAll(hold(settings, held, headroomBytes, progress));
    }
    return figures;
  }

  /** Room for one tenant and not for two; the GiB is for what the node and the agent hold back. */
  private static long deviceBytes(long held) {
    return held + held / 2 + GIB;
  }

  /**
   * Room for what both tenants hold would do, but the chunks that a leaving tenant has in hand are
   * counted beside its loan while it is being moved: with less, the other one comes back with no
   * more than its request.
   */
  private static long poolBytes(long held) {
    return 3 * held + SPARE_BYTES;
  }

  /**
   * Both tenants in the host pool, as much made ahead, and a simulated device is this machine's
   * memory, too; an eighth more is left alone.
   */
  private static long needBytes(Settings settings, long held) {
    return (settings.real() ? 3 : 4) * held / 8 * 9 + GIB;
  }

  private List<Figure> hold(
      Settings settings, long held, long headroomBytes, Consumer<String> progress)
      throws IOException, InterruptedException, BenchException {
    List<Figure> figures = new ArrayList<>();
    String node =
        settings.real()
            ? ""
            : "devices=1,memory=" + deviceBytes(held) / MIB + "MiB,model=H100,context=" + 64 * MIB;
    List<String> options =
        List.of(
            "--headroom-min",
            headroomBytes / MIB + "MiB",
            "--host-pool-size",
            poolBytes(held) / MIB + "MiB",
            "--host-pool-prepared",
            held / MIB + "MiB",
            "--swap-idle-after",
            "500ms",
            "--swap-minimum-residency",
            "0s");
    try (BenchAgent agent = BenchAgent.start(settings, node, options)) {
      SwapMeter meter = new SwapMeter(agent);
      for (long block : BLOCK_BYTES) {
        progress.accept(text(held) + " in allocations of " + text(block));
        figures.addAll(block(settings, agent, meter, held, block));
        agent.awaitNobody();
      }
    }
    return figures;
  }

  /**
   * So much of a real device is given to nobody that it seems no larger than a simulated one;
   * negative where it is smaller.
   */
  private static long headroomBytes(Settings settings, long held)
      throws IOException, InterruptedException, BenchException {
    try (BenchAgent agent = BenchAgent.start(settings, "", List.of())) {
      double bytes =
          agent.metric("aliquot_device_memory_total_bytes", "")
              - agent.metric("aliquot_device_memory_reserved_bytes", "");
      return (long) bytes - deviceBytes(held);
    }
  }

  private List<Figure> block(
      Settings settings, BenchAgent agent, SwapMeter meter, long held, long block)
      throws IOException, InterruptedException, BenchException {
    int rounds = settings.quick() || held >= GOAL_FROM_BYTES ? 1 : ROUNDS;
    long bytes = held / block * block;
    List<String> share =
        List.of("--gpu-memory", "256MiB", "--gpu-memory-limit", (held + SPARE_BYTES) / MIB + "MiB");
    Move[] out = new Move[rounds];
    Move[] in = new Move[rounds];
    Move[] deepOut = new Move[rounds];
    Move[] deepIn = new Move[rounds];
    Move[] exchange = new Move[rounds];
    Move first;
    Bare bare = Bare.measure(settings, agent, bytes, block);
    agent.awaitNobody();
    try (BenchProgram one = new BenchProgram(settings, agent, "one", share)) {
      agent.awaitPrepared(held / (64 * MIB) * (64 * MIB));
      grow(one, bytes, block);
      first = meter.out(one, bytes);
      meter.in(one, bytes);
      for (int i = 0; i < rounds; i++) {
        out[i] = meter.out(one, bytes);
        in[i] = meter.in(one, bytes);
      }
      for (int i = 0; i < rounds; i++) {
        deepOut[i] = meter.outDeep(one, bytes);
        deepIn[i] = meter.in(one, bytes);
      }
      meter.out(one, bytes);
      try (BenchProgram two = new BenchProgram(settings, agent, "two", share)) {
        grow(two, bytes, block);
        meter.out(two, bytes);
        meter.in(two, bytes);
        for (int i = 0; i < rounds; i++) {
          exchange[i] =
              i % 2 == 0 ? meter.exchange(one, two, bytes) : meter.exchange(two, one, bytes);
        }
      }
    }
    String what = text(held) + " of " + text(block);
    List<Figure> figures = figures(what, goal(held, block), bare, first, out, in);
    figures.addAll(Move.middle(deepOut).wait(name(), "deep out, " + what));
    figures.addAll(Move.middle(deepIn).wait(name(), "deep in, " + what));
    figures.addAll(Move.middle(exchange).wait(name(), "exchange, " + what + " each, prepared"));
    return figures;
  }

  private List<Figure> figures(
      String what, String goal, Bare bare, Move first, Move[] out, Move[] in) {
    List<Figure> figures = new ArrayList<>();
    figures.addAll(first.wait(name(), "out, " + what + ", prepared, first"));
    Move left = Move.middle(out);
    figures.addAll(left.wait(name(), "out, " + what + ", prepared, again"));
    figures.addAll(left.rate(name()));
    figures.addAll(bare.besideOut(name(), left, goal));
    Move back = Move.middle(in);
    figures.addAll(back.wait(name(), "in, " + what));
    figures.addAll(back.rate(name()));
    figures.addAll(bare.besideIn(name(), back, goal));
    return figures;
  }

  private static void grow(BenchProgram program, long bytes, long block)
      throws IOException, BenchException {
    for (long grown = 0; grown < bytes; grown += block) {
      program.grow(block);
    }
  }

  /** The simulator's copies are not a bus: nothing is held against them. */
  private static String goal(long held, long block) {
    if (held < GOAL_FROM_BYTES) {
      return "";
    }
    return block > 2 * MIB ? ">= 0.90 on a GPU" : ">= 0.80 on a GPU";
  }

  private static String text(long bytes) {
    return bytes >= GIB ? bytes / GIB + " GiB" : bytes / MIB + " MiB";
  }
}
