package dev.aliquot.plugin.serve;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the list of devices to whoever watches it, when it has changed. Changes that come together
 * go out together; who does not read gets the newest once it does, and is dropped if it never does.
 * Thread-safe.
 */
final class Watchers implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Watchers.class);

  /** The kubelet stores the whole list at each message. */
  private static final Duration GATHER = Duration.ofMillis(20);

  private static final Duration SLOWEST = Duration.ofSeconds(20);

  /** The node's call could have been lost; and slow readers are looked for. */
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final DeviceList list;
  private final Counters counters;
  private final LongSupplier nanos;
  private final Runnable opened;
  private final Runnable ended;
  private final AtomicBoolean pending = new AtomicBoolean();
  private final Set<Watcher> watchers = new LinkedHashSet<>();

  /** Whoever comes while it closes, or later, is passed over: there is nobody left to tell. */
  private final ScheduledExecutorService thread =
      new ScheduledThreadPoolExecutor(
          1,
          Thread.ofPlatform().daemon().name("plugin-devices").factory(),
          new ThreadPoolExecutor.DiscardPolicy());

  /**
   * @param opened called when somebody begins to watch
   * @param ended called when one has stopped
   */
  Watchers(
      DeviceList list, Counters counters, LongSupplier nanos, Runnable opened, Runnable ended) {
    this.list = list;
    this.counters = counters;
    this.nanos = nanos;
    this.opened = opened;
    this.ended = ended;
    var _ =
        thread.scheduleWithFixedDelay(
            this::sendAll, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** The devices may have changed. Does not block. */
  void changed() {
    if (pending.compareAndSet(false, true)) {
      var _ = thread.schedule(this::sendAll, GATHER.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** Somebody watches. Called within the call, before it returns. */
  void add(ServerCallStreamObserver<ListAndWatchResponse> stream) {
    Watcher watcher = new Watcher(stream);
    stream.setOnCancelHandler(() -> gone(watcher));
    stream.setOnReadyHandler(this::soon);
    synchronized (watchers) {
      watchers.add(watcher);
    }
    opened.run();
    soon();
  }

  @Override
  public void close() {
    thread.shutdownNow();
    synchronized (watchers) {
      watchers.clear();
    }
  }

  private void soon() {
    thread.execute(this::sendAll);
  }

  private void sendAll() {
    pending.set(false);
    try {
      DeviceList.Edition now = list.now();
      List<Watcher> all;
      synchronized (watchers) {
        all = List.copyOf(watchers);
      }
      all.forEach(watcher -> send(watcher, now));
    } catch (RuntimeException e) {
      LOG.warn("the list of devices was not sent", e);
    }
  }

  private void send(Watcher watcher, DeviceList.Edition now) {
    if (watcher.last == now.number()) {
      watcher.waitingNanos = 0;
    } else if (watcher.stream.isReady()) {
      watcher.last = now.number();
      watcher.waitingNanos = 0;
      counters.add(Count.LISTS_SENT);
      watcher.stream.onNext(now.list());
    } else if (watcher.waitingNanos == 0) {
      watcher.waitingNanos = nanos.getAsLong() | 1;
    } else if (nanos.getAsLong() - watcher.waitingNanos > SLOWEST.toNanos()) {
      counters.add(Count.STREAMS_DROPPED);
      gone(watcher);
      watcher.stream.onError(
          Status.RESOURCE_EXHAUSTED
              .withDescription("the list of devices was not read for " + SLOWEST.toSeconds() + " s")
              .asRuntimeException());
    }
  }

  private void gone(Watcher watcher) {
    boolean was;
    synchronized (watchers) {
      was = watchers.remove(watcher);
    }
    if (was) {
      ended.run();
    }
  }

  /** One stream; used by the thread alone. */
  private static final class Watcher {
    private final ServerCallStreamObserver<ListAndWatchResponse> stream;
    private long last;
    private long waitingNanos;

    Watcher(ServerCallStreamObserver<ListAndWatchResponse> stream) {
      this.stream = stream;
    }
  }
}
