package dev.aliquot.agent.http;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A state that is told to all who listen, as server-sent events: to each when it joins, then
 * whenever the state has changed, and regularly as a sign of life. Each message is the whole state,
 * made once for all listeners; without any nothing is looked at. Thread-safe.
 *
 * @param <T> the state
 */
public final class EventStream<T> implements Answer, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EventStream.class);

  /** Looking and telling take at most one part in so many of a processor's time. */
  private static final int SHARE = 20;

  private final int mostListeners;
  private final Duration period;
  private final Duration signOfLife;
  private final Supplier<T> source;
  private final BiPredicate<T, T> same;
  private final Function<T, byte[]> json;
  private final ScheduledThreadPoolExecutor ticker;
  private final Set<Listener> listeners = new LinkedHashSet<>();
  private final Set<Listener> untold = new LinkedHashSet<>();
  private boolean ticking;
  private boolean closed;
  private long nextNanos = System.nanoTime();

  /** Of the ticker's thread alone, so the next one. */
  private @Nullable T lastState;

  private long lastToldNanos;

  /**
   * @param mostListeners at once
   * @param period the state is looked at once in this time at most
   * @param signOfLife a message comes at least this often
   * @param source cheap, and safe from any thread
   * @param same whether nothing is to be told of the second after the first
   * @param json the state as JSON without line breaks
   */
  public EventStream(
      int mostListeners,
      Duration period,
      Duration signOfLife,
      Supplier<T> source,
      BiPredicate<T, T> same,
      Function<T, byte[]> json) {
    this.mostListeners = mostListeners;
    this.period = period;
    this.signOfLife = signOfLife;
    this.source = source;
    this.same = same;
    this.json = json;
    this.ticker =
        new ScheduledThreadPoolExecutor(1, new DefaultThreadFactory("aliquot-live", true));
    ticker.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    ticker.setKeepAliveTime(30, TimeUnit.SECONDS);
    ticker.allowCoreThreadTimeOut(true);
  }

  /** Tells a listener from now on; false where there are as many as there may be. */
  synchronized boolean join(Listener listener) {
    if (closed || listeners.size() >= mostListeners) {
      return false;
    }
    listeners.add(listener);
    untold.add(listener);
    if (!ticking) {
      ticking = true;
      schedule();
    }
    return true;
  }

  /** Tells it nothing any more. */
  synchronized void leave(Listener listener) {
    listeners.remove(listener);
    untold.remove(listener);
  }

  /** How many listen. */
  public synchronized int listeners() {
    return listeners.size();
  }

  private void schedule() {
    var _ = ticker.schedule(this::tick, nextNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
  }

  private void tick() {
    long began = System.nanoTime();
    try {
      T state = source.get();
      T before = lastState;
      boolean news =
          before == null
              || began - lastToldNanos >= signOfLife.toNanos()
              || !same.test(before, state);
      List<Listener> told = told(news);
      if (!told.isEmpty()) {
        byte[] message = event(json.apply(state));
        told.forEach(listener -> listener.tell(message));
      }
      if (news) {
        lastState = state;
        lastToldNanos = began;
      }
    } catch (RuntimeException e) {
      LOG.error("those who watch the node could not be told of it", e);
    }
    next(began);
  }

  private synchronized List<Listener> told(boolean news) {
    List<Listener> told = List.copyOf(news ? listeners : untold);
    untold.clear();
    return told;
  }

  private synchronized void next(long began) {
    long pause = Math.max(period.toNanos(), SHARE * (System.nanoTime() - began));
    nextNanos = began + pause;
    ticking = !listeners.isEmpty() && !closed;
    if (ticking) {
      schedule();
    }
  }

  private static byte[] event(byte[] json) {
    byte[] head = "data: ".getBytes(StandardCharsets.US_ASCII);
    byte[] message = new byte[head.length + json.length + 2];
    System.arraycopy(head, 0, message, 0, head.length);
    System.arraycopy(json, 0, message, head.length, json.length);
    message[message.length - 2] = '\n';
    message[message.length - 1] = '\n';
    return message;
  }

  /** Ends every listener's stream; nobody can join any more. */
  @Override
  public void close() {
    List<Listener> last;
    synchronized (this) {
      closed = true;
      last = List.copyOf(listeners);
      listeners.clear();
      untold.clear();
    }
    ticker.shutdown();
    last.forEach(Listener::end);
  }
}
