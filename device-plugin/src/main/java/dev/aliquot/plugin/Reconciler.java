package dev.aliquot.plugin;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.Reconciled;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.pod.PodSource;
import dev.aliquot.plugin.unit.GrantKey;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the ledger with the kubelet's pods, regularly: the kubelet says nothing when a pod ends.
 * While it does not answer, nothing is freed. Thread-safe.
 */
final class Reconciler implements AutoCloseable {
  private static final Duration GATHER = Duration.ofMillis(100);

  /** At most so long from one comparison to one that somebody waits for. */
  private static final Duration SETTLE = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

  private final Node node;
  private final Ledger ledger;
  private final Consumer<String> release;
  private final PodSource pods;
  private final Counters counters;
  private final LongSupplier nanos;
  private final Runnable changed;
  private final long periodMillis;
  private final Thread thread;
  private final Semaphore bell = new Semaphore(0);
  private final Object comparing = new Object();
  private final AtomicLong begun = new AtomicLong();
  private long begunNanos;
  private volatile boolean closed;
  private volatile Runnable afterFirst = () -> {};
  private volatile String trouble = "";

  /**
   * @param release ends the tenant of a grant
   */
  Reconciler(
      Node node,
      Ledger ledger,
      Consumer<String> release,
      PodSource pods,
      Counters counters,
      LongSupplier nanos,
      Runnable changed,
      Duration period) {
    this.node = node;
    this.ledger = ledger;
    this.release = release;
    this.pods = pods;
    this.counters = counters;
    this.nanos = nanos;
    this.changed = changed;
    periodMillis = period.toMillis();
    thread = Thread.ofPlatform().daemon().name("plugin-pods").unstarted(this::work);
  }

  /**
   * Begins.
   *
   * @param compared called once after the first comparison, also where the kubelet did not answer:
   *     who has lost the ledger should not allocate before it has asked
   */
  void start(Runnable compared) {
    afterFirst = compared;
    thread.start();
  }

  /** Compares soon. Does not block. */
  void soon() {
    bell.release();
  }

  /**
   * Returns once what nobody has any more is freed, for all that the kubelet says: after two
   * comparisons that began after the call, made on the caller's thread. Who comes together shares
   * them, and they are no closer together than a second (or the period, if that is shorter), so
   * that many who wait ask the kubelet no more often than one does, and two lists are not of the
   * same moment.
   */
  void settle() {
    long enough = begun.get() + 2;
    try {
      boolean settled = false;
      while (!settled && !closed) {
        settled = compareUpTo(enough);
      }
    } catch (InterruptedException e) {
      // The plugin is being closed.
      Thread.currentThread().interrupt();
    }
  }

  /** Compares once more, unless there are so many; whether there are. */
  private boolean compareUpTo(long enough) throws InterruptedException {
    synchronized (comparing) {
      if (begun.get() < enough) {
        long apartNanos = Math.min(SETTLE.toNanos(), TimeUnit.MILLISECONDS.toNanos(periodMillis));
        long waitNanos = begun.get() == 0 ? 0 : begunNanos + apartNanos - nanos.getAsLong();
        TimeUnit.NANOSECONDS.sleep(Math.clamp(waitNanos, 0, apartNanos));
        compare();
      }
      return begun.get() >= enough;
    }
  }

  /** Why the kubelet could not be asked; empty where it could. */
  String trouble() {
    return trouble;
  }

  /** Compares now, on the caller's thread. */
  void reconcile() {
    long askedNanos = nanos.getAsLong();
    Holders kubelet;
    try {
      kubelet = pods.read();
      trouble = "";
    } catch (IOException e) {
      counters.add(Count.RECONCILIATION_FAILURES);
      trouble = String.valueOf(e.getMessage());
      return;
    }
    // Also those that the ledger is about to learn of: who runs with them has been started.
    Set<String> inUse =
        Stream.concat(
                ledger.keys().stream(),
                kubelet.listedWithIds().stream().map(listed -> GrantKey.of(listed.ids())))
            .filter(node::isInUse)
            .collect(Collectors.toUnmodifiableSet());
    Set<String> living = ledger.misses(kubelet) ? node.livingPods() : Set.of();
    Reconciled done = ledger.reconcile(kubelet, inUse, living, node.devices(), askedNanos);
    done.released().forEach(release);
    counters.add(Count.RECONCILIATIONS);
    counters.add(Count.FREED, done.freed());
    counters.add(Count.ADOPTED, done.adopted());
    if (done.freed() + done.adopted() + done.released().size() > 0) {
      changed.run();
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void work() {
    compare();
    afterFirst.run();
    try {
      while (!closed) {
        if (bell.tryAcquire(periodMillis, TimeUnit.MILLISECONDS)) {
          // Changes that come together are looked at together.
          Thread.sleep(GATHER);
          bell.drainPermits();
        }
        compare();
      }
    } catch (InterruptedException e) {
      // Closed.
      Thread.currentThread().interrupt();
    }
  }

  private void compare() {
    synchronized (comparing) {
      begun.incrementAndGet();
      begunNanos = nanos.getAsLong();
      try {
        reconcile();
      } catch (RuntimeException e) {
        counters.add(Count.RECONCILIATION_FAILURES);
        LOG.warn("the grants could not be compared with the kubelet's pods", e);
      }
    }
  }
}
