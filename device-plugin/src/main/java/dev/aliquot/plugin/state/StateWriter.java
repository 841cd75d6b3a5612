package dev.aliquot.plugin.state;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.ledger.Ledger;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the ledger to its file soon after each change, on a thread of its own: nobody waits for
 * the disk. A disk that takes nothing is tried again, and the ledger goes on in memory.
 * Thread-safe.
 */
public final class StateWriter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StateWriter.class);

  private final Ledger ledger;
  private final StateFile file;
  private final Counters counters;
  private final long againMillis;
  private final Thread thread;
  private final Semaphore bell = new Semaphore(0);
  private volatile boolean closed;
  private volatile String trouble = "";

  /**
   * Starts the thread.
   *
   * @param again after how long a write that failed is tried again
   */
  public StateWriter(Ledger ledger, StateFile file, Counters counters, Duration again) {
    this.ledger = ledger;
    this.file = file;
    this.counters = counters;
    this.againMillis = again.toMillis();
    this.thread = Thread.ofPlatform().daemon().name("plugin-state").start(this::work);
  }

  /** The ledger may have changed. Does not block. */
  public void changed() {
    bell.release();
  }

  /** Why the last write failed; empty where it did not. */
  public String trouble() {
    return trouble;
  }

  /** Writes what is not written yet, and ends. */
  @Override
  public void close() {
    closed = true;
    bell.release();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void work() {
    long written = 0;
    boolean last;
    boolean good;
    do {
      // Whatever came before the end is written before the end, if the disk takes it.
      last = closed;
      long changes = ledger.changes();
      good = changes == written || write();
      if (good) {
        written = changes;
      }
    } while (!last && awaitBell(good));
  }

  /** Waits for a change, after a failure not for longer than until the next attempt. */
  private boolean awaitBell(boolean good) {
    try {
      boolean rung = bell.tryAcquire(good ? Long.MAX_VALUE : againMillis, TimeUnit.MILLISECONDS);
      if (rung) {
        bell.drainPermits();
      }
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private boolean write() {
    try {
      file.write(ledger.grants());
      if (!trouble.isEmpty()) {
        LOG.info("the plugin's ledger is written again");
      }
      trouble = "";
      return true;
    } catch (IOException | RuntimeException e) {
      counters.add(Count.WRITE_FAILURES);
      String sentence = e instanceof IOException ? String.valueOf(e.getMessage()) : e.toString();
      if (trouble.isEmpty()) {
        LOG.warn(
            "{}; the plugin's ledger is kept in memory meanwhile, and an agent that is started now"
                + " learns it from the kubelet",
            sentence);
      }
      trouble = sentence;
      return false;
    }
  }
}
