package dev.aliquot.agent.pool;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that calls the driver for the pool: jobs in their order, and between them what can
 * be done ahead. It is started by the first job, and given up where it does not come back.
 * Thread-safe.
 */
final class PoolWorker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PoolWorker.class);
  private static final Duration PAUSE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final LinkedBlockingQueue<Runnable> jobs = new LinkedBlockingQueue<>();
  private final BooleanSupplier ahead;
  private @Nullable Thread thread;
  private volatile long busySince;
  private volatile boolean busy;
  private volatile boolean closed;

  /**
   * @param ahead does one piece of work ahead; whether there was any
   */
  PoolWorker(BooleanSupplier ahead) {
    this.ahead = ahead;
  }

  /** Has a job done after those that wait. */
  void submit(Runnable job) {
    jobs.add(job);
    start();
  }

  /** Whether jobs wait that nobody has begun. */
  boolean hasJobs() {
    return !jobs.isEmpty();
  }

  private synchronized void start() {
    if (thread == null) {
      thread = Thread.ofPlatform().daemon().name("aliquot-host-pool").unstarted(this::run);
      thread.start();
    }
  }

  /** How long the job in progress has taken; zero when there is none. */
  Duration busyFor() {
    long since = busySince;
    return busy ? Duration.ofNanos(System.nanoTime() - since) : Duration.ZERO;
  }

  /** Does the jobs that wait, if the driver lets it, and ends. */
  @Override
  public void close() {
    closed = true;
    Thread running;
    synchronized (this) {
      running = thread;
    }
    if (running == null) {
      return;
    }
    jobs.add(() -> {});
    try {
      running.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (running.isAlive()) {
      LOG.warn("the driver does not come back: the host pool's thread is left to itself");
    }
  }

  private void run() {
    while (!closed || !jobs.isEmpty()) {
      try {
        Runnable job = jobs.poll();
        if (job == null && !closed && !work(ahead)) {
          job = jobs.poll(PAUSE.toNanos(), TimeUnit.NANOSECONDS);
        }
        if (job != null) {
          Runnable next = job;
          work(
              () -> {
                next.run();
                return true;
              });
        }
      } catch (InterruptedException e) {
        closed = true;
      } catch (RuntimeException e) {
        LOG.error("a host chunk could not be dealt with", e);
      }
    }
  }

  private boolean work(BooleanSupplier piece) {
    busySince = System.nanoTime();
    busy = true;
    try {
      return piece.getAsBoolean();
    } finally {
      busy = false;
    }
  }
}
