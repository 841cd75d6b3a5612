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
  private static final double PREPARED_BYTES = 3.0 * 1024 * MIB;
  private static final List<String> BORROWER =
      List.of("--gpu-memory", "1GiB", "--gpu-memory-limit", "5GiB");
  private static final List<String> OWNER = List.of("--gpu-memory", "2560MiB");
  private static final int BORROWED_STEPS = 18;
  private static final int OWNED_STEPS = 9;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

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

  @Override
  public String name() {
    return "lending";
  }

  @Override
  public String summary() {
    return "how long a tenant waits for its request while another has borrowed it";
  }

  @Override
  public List<Figure> run(Settings settings, Consumer<String> progress) throws BenchException {
    List<Figure> figures = new ArrayList<>();
    try (BenchAgent agent = BenchAgent.start(settings, NODE, POOL)) {
      for (Borrower what : Borrower.values()) {
        progress.accept(OWNED_STEPS + " steps of " + STEP_BYTES / MIB + " MiB, " + what.text);
        figures.addAll(take(settings, agent, what));
      }
    } catch (IOException e) {
      throw new BenchException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("interrupted", e);
    }
    return figures;
  }

  private List<Figure> take(Settings settings, BenchAgent agent, Borrower what)
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
      awaitPool(agent, what);
      double copiedBefore = copySeconds(agent);
      try (BenchProgram owner = new BenchProgram(settings, agent, "owner", OWNER)) {
        for (int i = 0; i < OWNED_STEPS; i++) {
          waits[i] = owner.grow(STEP_BYTES);
        }
        double copying = (copySeconds(agent) - copiedBefore) * 1e3;
        long wrong = borrower.wrongWords() + owner.wrongWords();
        if (wrong != 0) {
          throw new BenchException(wrong + " words were wrong");
        }
        return figures(what, waits, copying);
      }
    } finally {
      awaitNobody(agent);
    }
  }

  private List<Figure> figures(Borrower what, double[] waits, double copying) {
    double[] sorted = waits.clone();
    Arrays.sort(sorted);
    double all = Arrays.stream(waits).sum();
    String step = "wait, " + what.text;
    if (what == Borrower.FREED) {
      return List.of(
          new Figure(
              name(),
              step + ": worst of " + OWNED_STEPS + " steps",
              max(sorted),
              "ms",
              null,
              "< 5"),
          new Figure(name(), step + ": median", sorted[sorted.length / 2], "ms", null, ""));
    }
    return List.of(
        new Figure(
            name(), step + ": worst of " + OWNED_STEPS + " steps", max(sorted), "ms", null, ""),
        new Figure(name(), step + ": all steps", all, "ms", copying, ""),
        new Figure(name(), "  waited, by copied", all / copying, "x", null, "< 1.5"));
  }

  private static double max(double[] sorted) {
    return sorted[sorted.length - 1];
  }

  private static double copySeconds(BenchAgent agent) throws IOException, InterruptedException {
    return agent.metric("aliquot_move_copy_seconds_total", "direction=\"demoted\"");
  }

  /** Making chunks is ten times as slow as copying into them, and done ahead. */
  private static void awaitPool(BenchAgent agent, Borrower what)
      throws IOException, InterruptedException, BenchException {
    long began = System.nanoTime();
    while (what != Borrower.FREED
        && agent.metric("aliquot_host_pool_prepared_bytes", "") < PREPARED_BYTES) {
      pause(began, "the host pool is not made");
    }
  }

  private static void awaitNobody(BenchAgent agent)
      throws IOException, InterruptedException, BenchException {
    long began = System.nanoTime();
    while (agent.metric("aliquot_tenant_memory_used_bytes", "") > 0) {
      pause(began, "a tenant has not ended");
    }
  }

  private static void pause(long began, String what) throws InterruptedException, BenchException {
    if (System.nanoTime() - began > PATIENCE.toNanos()) {
      throw new BenchException(what + " in " + PATIENCE.toSeconds() + " s");
    }
    Thread.sleep(100);
  }
}
