package dev.aliquot.agent.share;

import dev.aliquot.linux.LinuxException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes one tenant's descriptors, one after the other, on a thread that lives while there are any:
 * the last close of a file may take as long as whoever made it likes. Thread-safe; nobody waits.
 */
final class Closer {
  private static final Logger LOG = LoggerFactory.getLogger(Closer.class);

  /** What takes longer than this hangs, for all that is known. */
  private static final long HANGS_NANOS = Duration.ofSeconds(1).toNanos();

  private final IntConsumer close;
  private final Runnable onClosed;
  private final LongSupplier monotonic;
  private final ArrayDeque<Integer> waiting = new ArrayDeque<>();
  private boolean closing;
  private long since;

  /**
   * @param onClosed called after each
   * @param monotonic in nanoseconds
   */
  Closer(IntConsumer close, Runnable onClosed, LongSupplier monotonic) {
    this.close = close;
    this.onClosed = onClosed;
    this.monotonic = monotonic;
  }

  /** Has it closed, after those before it. */
  synchronized void add(int descriptor) {
    waiting.add(descriptor);
    if (!closing) {
      closing = true;
      since = monotonic.getAsLong();
      Thread.ofPlatform().daemon().name("aliquot-close").start(this::run);
    }
  }

  /** Whether a close does not come to its end. */
  synchronized boolean hangs() {
    return closing && monotonic.getAsLong() - since > HANGS_NANOS;
  }

  private void run() {
    for (Integer next = next(); next != null; next = next()) {
      try {
        close.accept(next);
      } catch (LinuxException e) {
        // it is closed all the same
        LOG.debug("a share's descriptor: {}", e.getMessage());
      }
      onClosed.run();
    }
  }

  private synchronized @Nullable Integer next() {
    since = monotonic.getAsLong();
    closing = !waiting.isEmpty();
    return waiting.poll();
  }
}
