package dev.aliquot.agent.support;

import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Assertions about what becomes true in time. */
public final class Eventually {
  private Eventually() {}

  /**
   * Repeats the assertion until it holds; fails with its last failure after that long. Answers how
   * long it took.
   */
  public static Duration within(Duration most, ThrowingCallable assertion) {
    long start = System.nanoTime();
    while (true) {
      try {
        assertion.call();
        return Duration.ofNanos(System.nanoTime() - start);
      } catch (Throwable e) {
        if (System.nanoTime() - start > most.toNanos()) {
          throw new AssertionError("not within " + most.toMillis() + " ms: " + e.getMessage(), e);
        }
        sleep();
      }
    }
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
