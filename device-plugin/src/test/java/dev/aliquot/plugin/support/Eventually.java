package dev.aliquot.plugin.support;

import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/**
 * Assertions about what becomes true in time. None of them is about how fast: a machine that stalls
 * for seconds must not fail a test, so the patience only ends a wait that is in vain.
 */
public final class Eventually {
  /** How long to wait for what should come at once. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private Eventually() {}

  /**
   * Repeats the assertion until it holds; fails with its last failure after {@link #PATIENCE}.
   * Answers how long it took.
   */
  public static Duration soon(ThrowingCallable assertion) {
    return within(PATIENCE, assertion);
  }

  /** The same with another patience, for what has to wait for others. */
  public static Duration within(Duration patience, ThrowingCallable assertion) {
    long start = System.nanoTime();
    while (true) {
      try {
        assertion.call();
        return Duration.ofNanos(System.nanoTime() - start);
      } catch (Throwable e) {
        if (System.nanoTime() - start > patience.toNanos()) {
          throw new AssertionError(
              "not within " + patience.toSeconds() + " s: " + e.getMessage(), e);
        }
        sleep();
      }
    }
  }

  /** As {@link #soon}, for what has a bar: prints how long it took beside the bar. */
  public static void shown(String what, Duration bar, ThrowingCallable assertion) {
    Duration took = soon(assertion);
    System.out.printf("%s: %d ms (the bar: %d ms)%n", what, took.toMillis(), bar.toMillis());
  }

  private static void sleep() {
    try {
      Thread.sleep(10);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
