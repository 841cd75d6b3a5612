package dev.aliquot.agent.device;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Tells whoever waits that something may have changed. Thread-safe. It may be fired under a
 * tenant's lock, so whoever waits goes on with a thread of its own, never with the one that fires.
 */
public final class Signal {
  private CompletableFuture<Void> next = new CompletableFuture<>();

  /** Taken before looking whether there is something to wait for, so that no change is missed. */
  public synchronized Change next() {
    return new Change(next);
  }

  /** Something may have changed. */
  public void fire() {
    CompletableFuture<Void> fired;
    synchronized (this) {
      fired = next;
      next = new CompletableFuture<>();
    }
    fired.complete(null);
  }

  /** The next change after a moment. */
  public static final class Change {
    private final CompletableFuture<Void> change;

    private Change(CompletableFuture<Void> change) {
      this.change = change;
    }

    /** Done at the change, and after that time at the latest. */
    public CompletableFuture<Void> within(Duration most) {
      return change.copy().completeOnTimeout(null, most.toNanos(), TimeUnit.NANOSECONDS);
    }
  }
}
