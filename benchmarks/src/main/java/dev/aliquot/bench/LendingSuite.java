package dev.aliquot.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * One tenant has borrowed most of a device; another takes the half that it is guaranteed, step by
 * step. How long it waits, beside how long the copies took that made room for it.
 */
final class LendingSuite implements Suite {
  private static final long MIB = 1L << 20;
  private static final long STEP_BYTES = 256 * MIB;
  private static final String NODE = "devices=1,memory=6GiB,model=H100,context=" + 64 * MIB;
  private static final List<String> POOL =
      List.of("--host-pool-size", "4GiB", "--host-pool-prepared", "3GiB");
  private static final long PREPARED_BYTES = 3 * 1024 * MIB;
  private static final List<String> BORROWER =
      List.of("--gpu-memory", "1GiB", "--gpu-memory-limit", "5GiB");
  private static final List<String> OWNER = List.of("--gpu-memory", "2560MiB");
  private static final int BORROWED_STEPS = 18;
  private static final int OWNED_STEPS = 9;
  private static final int ROUNDS = 7;
  private static final Duration REST = Duration.ofMillis(3500);

  /** What the borrower does while its memory is taken. */
  private enum Borrower {
    FREED("unused credit"),
    IDLE("loan, idle borrower"),
    COMPUTING("loan, busy borrower");

    private final String text;

    Borrower(String text) {
      this.text = text;
    }
  }

  /**
   * One owner's way to its request.
   *
   * @param worst its longest wait, ms
   * @param all its waits together, ms
   * @param copying the copies that made room, ms
   */
  private record Taking(double worst, double all, double copying) {}

  @Override
  public String name() {
    return "lending";
  }

  @Override
  public String summary() {
    return "how long a tenant waits for its request while another has borrowed it";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress)
      throws BenchException, IOException, InterruptedException {
    List<Figure> figures = new ArrayList<>();
    try (BenchAgent agent = BenchAgent.start(settings, NODE, POOL)) {
      figures.addAll(unusedCredit(settings, agent, progress));
      for (Borrower what : List.of(Borrower.IDLE, Borrower.COMPUTING)) {
        progress.accept(OWNED_STEPS + " steps of " + STEP_BYTES / MIB + " MiB, " + what.text);
        figures.addAll(loan(what, take(settings, agent, what)));
      }
    }
    return figures;
  }

  /** The bare figure is a reading of ground truth, which such a step has to wait for. */
  private List<Figure> unusedCredit(Settings settings, BenchAgent agent, Consumer<String> progress)
      throws IOException, InterruptedException, BenchException {
    int rounds = settings.quick() ? 1 : ROUNDS;
    progress.accept(rounds + " times " + OWNED_STEPS + " steps, " + Borrower.FREED.text);
    double[] worst = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      worst[i] = take(settings, agent, Borrower.FREED).worst();
    }
    double reading = agent.meanSampleMicros() / 1e3;
    String step = "wait, " + Borrower.FREED.text + ": worst step";
    return List.of(
        new Figure(name(), step + ", first time", worst[0], "ms", reading, ""),
        new Figure(name(), step + ", median time", AgentSuite.median(worst), "ms", reading, "< 5"));
  }

  private Taking take(Settings settings, BenchAgent agent, Borrower what)
      throws IOException, InterruptedException, BenchException {
    double[] waits = new double[OWNED_STEPS];
    try (BenchProgram borrower = new BenchProgram(settings, agent, "borrower", BORROWER)) {
      for (int i = 0; i < BORROWED_STEPS; i++) {
        borrower.grow(STEP_BYTES);
      }
      for (int i = 0; what == Borrower.FREED && i < BORROWED_STEPS; i++) {
        borrower.must("drop");
      }
      if (what == Borrower.COMPUTING) {
        borrower.must("work");
      }
      if (what != Borrower.FREED) { // making chunks is ten times as slow as copying into them
        agent.awaitPrepared(PREPARED_BYTES);
      }
      double copiedBefore = copySeconds(agent);
      try (BenchProgram owner = new BenchProgram(settings, agent, "owner", OWNER)) {
        for (int i = 0; i < OWNED_STEPS; i++) {
          waits[i] = owner.grow(STEP_BYTES);
        }
        if (what != Borrower.FREED) {
          awaitRest(agent);
        }
        double copying = (copySeconds(agent) - copiedBefore) * 1e3;
        long wrong = borrower.wrongWords() + owner.wrongWords();
        if (wrong != 0) {
          throw new BenchException(wrong + " words were wrong");
        }
        return new Taking(
            Arrays.stream(waits).max().orElseThrow(), Arrays.stream(waits).sum(), copying);
      }
    } finally {
      agent.awaitNobody();
    }
  }

  private List<Figure> loan(Borrower what, Taking taking) {
    String step = "wait, " + what.text;
    return List.of(
        new Figure(name(), step + ": worst step", taking.worst(), "ms", null, ""),
        new Figure(name(), step + ": all; bare: copies", taking.all(), "ms", taking.copying(), ""),
        new Figure(
            name(), "  waited, by copied", taking.all() / taking.copying(), "x", null, "< 1.5"));
  }

  private static double copySeconds(BenchAgent agent) throws IOException, InterruptedException {
    return agent.metric("aliquot_move_copy_seconds_total", "direction=\"demoted\"");
  }

  /** A batch is counted when all of it is done, and what was demanded ahead comes later still. */
  private static void awaitRest(BenchAgent agent)
      throws IOException, InterruptedException, BenchException {
    Await.that(
        "memory is moved to and fro",
        () -> {
          double before = copySeconds(agent);
          Thread.sleep(REST);
          return copySeconds(agent) == before;
        });
  }
}
