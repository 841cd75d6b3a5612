package dev.aliquot.agent.truth;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.ffm.NativeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one device, in a thread of its own: a driver that does not answer stalls this device only.
 * Requests that come while a reading is under way share the next one.
 */
final class DeviceSampler implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceSampler.class);
  private static final int MOST_TRIES = 2;

  private final Device device;
  private final Accounting accounting;
  private final Counters counters;
  private final Duration period;
  private final Duration timeout;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition asked = lock.newCondition();
  private final Thread thread;
  private List<CompletableFuture<Void>> waiting = new ArrayList<>();
  private boolean closed;
  private volatile List<Stranger> strangers = List.of();
  private volatile long readingSince;
  private volatile long lastReadNanos;
  private volatile boolean tried;
  private String lastFailure = "";
  private final ReadingPace pace = new ReadingPace(System.nanoTime());

  DeviceSampler(
      Device device, Accounting accounting, Counters counters, Duration period, Duration timeout) {
    this.device = device;
    this.accounting = accounting;
    this.counters = counters;
    this.period = period;
    this.timeout = timeout;
    this.thread =
        Thread.ofPlatform()
            .daemon()
            .name("aliquot-device-" + device.facts().index())
            .unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  Device device() {
    return device;
  }

  List<Stranger> strangers() {
    return strangers;
  }

  /** Whether a reading has been tried. */
  boolean hasRead() {
    return tried;
  }

  /** Since the last good reading; {@link Long#MAX_VALUE} before the first. */
  long ageNanos() {
    long last = lastReadNanos;
    return last == 0 ? Long.MAX_VALUE : System.nanoTime() - last;
  }

  /** Done after a reading that begins later than this call; fails after the time-out. */
  CompletableFuture<Void> request() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    lock.lock();
    try {
      if (closed) {
        return CompletableFuture.failedFuture(new IllegalStateException("the agent is stopping"));
      }
      long since = readingSince;
      if (since != 0 && System.nanoTime() - since > timeout.toNanos()) {
        // Whoever waits is told at once, and nobody piles up behind a driver that hangs.
        return CompletableFuture.failedFuture(
            new IllegalStateException("the driver does not answer"));
      }
      waiting.add(done);
      asked.signal();
    } finally {
      lock.unlock();
    }
    return done.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Marks a device whose driver has been silent for longer than the time-out. */
  void checkSilence(long nowNanos) {
    long since = readingSince;
    if (since != 0 && nowNanos - since > timeout.toNanos()) {
      device.health(
          Device.Health.unknown(
              "the driver has not answered for "
                  + Duration.ofNanos(nowNanos - since).toSeconds()
                  + " s"));
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      asked.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the thread; false when the driver holds it. */
  boolean join(Duration most) {
    try {
      return thread.join(most);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void run() {
    long due = System.nanoTime();
    while (true) {
      List<CompletableFuture<Void>> served = awaitTurn(due);
      if (served == null) {
        return;
      }
      due = System.nanoTime() + period.toNanos();
      readingSince = System.nanoTime();
      try {
        Accounting.Result result = accounting.read(device);
        for (int i = 1; i < MOST_TRIES && !result.still() && !served.isEmpty(); i++) {
          result = accounting.read(device);
        }
        strangers = result.strangers();
        lastReadNanos = System.nanoTime();
        lastFailure = "";
        tried = true;
        served.forEach(done -> done.complete(null));
      } catch (NativeException e) {
        failed(e, served);
      } catch (RuntimeException e) {
        LOG.error("the reading of device {} could not be accounted for", device.uuid(), e);
        failed(e, served);
      } finally {
        long now = System.nanoTime();
        pace.read(now - readingSince, now);
        readingSince = 0;
      }
    }
  }

  private void failed(RuntimeException e, List<CompletableFuture<Void>> served) {
    counters.sampleFailures.increment();
    String reason = String.valueOf(e.getMessage());
    device.health(Device.Health.unhealthy(reason));
    if (!reason.equals(lastFailure)) {
      LOG.error("device {} cannot be read: {}", device.uuid(), reason);
      lastFailure = reason;
    }
    tried = true;
    served.forEach(done -> done.completeExceptionally(e));
  }

  /** Those to be told after the next reading; null when there is none any more. */
  @org.jspecify.annotations.Nullable
  private List<CompletableFuture<Void>> awaitTurn(long due) {
    lock.lock();
    try {
      long left = due - System.nanoTime();
      while (!closed && waiting.isEmpty() && left > 0) {
        left = asked.awaitNanos(left);
      }
      left = pace.waitNanos(System.nanoTime());
      while (!closed && left > 0) {
        left = asked.awaitNanos(left);
      }
      List<CompletableFuture<Void>> served = waiting;
      waiting = new ArrayList<>();
      if (closed) {
        served.forEach(
            done -> done.completeExceptionally(new IllegalStateException("the agent is stopping")));
        return null;
      }
      return served;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }
}
