package dev.aliquot.bench;

import java.io.IOException;
import java.time.Duration;

/** Waiting for what comes sooner or later. */
final class Await {
  private static final Duration LOOK = Duration.ofMillis(5);
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private Await() {}

  /** Something that may come. */
  interface Condition {
    boolean holds() throws IOException, InterruptedException, BenchException;
  }

  /**
   * Until it has come.
   *
   * @param otherwise what is said of it where it does not
   */
  static void that(String otherwise, Condition condition)
      throws IOException, InterruptedException, BenchException {
    long began = System.nanoTime();
    while (!condition.holds()) {
      if (System.nanoTime() - began > PATIENCE.toNanos()) {
        throw new BenchException(otherwise + " in " + PATIENCE.toSeconds() + " s");
      }
      Thread.sleep(LOOK);
    }
  }
}
