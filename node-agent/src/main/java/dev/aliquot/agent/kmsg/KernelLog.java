package dev.aliquot.agent.kmsg;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.EventFd;
import dev.aliquot.linux.LinuxException;
import dev.aliquot.linux.MonotonicClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the kernel log on a thread of its own: /dev/kmsg, or a file of such records or lines of
 * text, which may be absent at first, cut or replaced. Keeps nothing: what is read is told at once.
 * Thread-safe.
 */
public final class KernelLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KernelLog.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** Opens the log at its position, or at its beginning where that is in another log. */
  interface Opener {
    Source open(LogPosition from) throws IOException;
  }

  private final Path path;
  private final Opener opener;
  private final Duration pause;
  private final LogClock clock;
  private final LogListener listener;
  private final EventFd wake = EventFd.open();
  private final Thread thread;
  private final AtomicLong read = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();
  private volatile LogPosition position;
  private volatile boolean readable;
  private volatile boolean closed;
  private boolean ended;

  private final Source.Sink sink =
      new Source.Sink() {
        @Override
        public void record(KernelRecord record) {
          found(record);
        }

        @Override
        public void lost(long records) {
          missed(records);
        }
      };

  // The thread's own.

  /** What was there in the beginning is not wanted. */
  private boolean passing;

  /** There was nothing more to read before what comes next. */
  private boolean waitedFor;

  /** The last that was told, until it is over. */
  private @Nullable String trouble;

  /**
   * Begins to follow it; the listener may be called before this returns.
   *
   * @param pause between two attempts to open what cannot be read
   */
  public static KernelLog follow(
      Path path, LogPosition from, Duration pause, InstantSource wall, LogListener listener) {
    return new KernelLog(path, at -> open(path, at), from, pause, wall, listener).start();
  }

  KernelLog(
      Path path,
      Opener opener,
      LogPosition from,
      Duration pause,
      InstantSource wall,
      LogListener listener) {
    this.path = path;
    this.opener = opener;
    this.pause = pause;
    this.listener = listener;
    clock = new LogClock(wall, MonotonicClock::now);
    passing = from.equals(LogPosition.END);
    position = from;
    thread = Thread.ofPlatform().daemon().name("aliquot-kernel-log").unstarted(this::run);
  }

  KernelLog start() {
    thread.start();
    return this;
  }

  /** Behind what the listener has been told; to go on there another time. */
  public LogPosition position() {
    return position;
  }

  /** Whether it is open; false until it has been opened. */
  public boolean isReadable() {
    return readable;
  }

  /** How many records the listener has been told. */
  public long recordsRead() {
    return read.get();
  }

  public long recordsLost() {
    return lost.get();
  }

  /** Ends it; no call of the listener begins after this, unless one takes longer than 5 s. */
  @Override
  public void close() {
    closed = true;
    synchronized (wake) {
      if (!ended) {
        wake.signal();
      }
    }
    boolean interrupted = false;
    try {
      if (Thread.currentThread() != thread) {
        thread.join(PATIENCE);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static Source open(Path path, LogPosition from) throws IOException {
    if (Files.isDirectory(path)) {
      throw new IOException("it is a folder");
    }
    if (Files.isRegularFile(path) || Files.notExists(path)) {
      return new FileSource(path, from);
    }
    String bootId = Files.readString(BOOT_ID).strip();
    return new DeviceSource(new KmsgDevice(path), bootId, from);
  }

  private void run() {
    try {
      while (!closed) {
        follow();
      }
    } finally {
      readable = false;
      synchronized (wake) {
        ended = true;
        wake.close();
      }
    }
  }

  private void follow() {
    try (Source source = opener.open(position)) {
      waitedFor = false;
      boolean same = true;
      while (!closed && same) {
        same = goOn(source);
      }
    } catch (IOException | RuntimeException e) {
      failed(e);
    }
  }

  /** False when the log has to be opened anew. */
  private boolean goOn(Source source) throws IOException {
    boolean more = source.step(sink);
    succeeded();
    if (more) {
      position = passing ? position : source.position();
      waitedFor = false;
      return true;
    }
    passing = false;
    position = source.position();
    waitedFor = true;
    return source.await(wake);
  }

  private void succeeded() {
    readable = true;
    if (trouble != null) {
      trouble = null;
      tell(listener::restored);
    }
  }

  private void failed(Exception e) {
    readable = false;
    if (passing) {
      // What comes to be there later was not there in the beginning.
      passing = false;
      position = LogPosition.BEGINNING;
    }
    if (e instanceof RuntimeException && !(e instanceof LinuxException)) {
      LOG.error("following the kernel log failed; it is opened anew", e);
    }
    String reason = Trouble.reason(path, e);
    if (!reason.equals(trouble)) {
      trouble = reason;
      tell(() -> listener.degraded(reason));
    }
    if (!closed) {
      Descriptors.awaitReadable(pause, wake.descriptor());
    }
  }

  private void found(KernelRecord record) {
    succeeded();
    if (!passing) {
      read.incrementAndGet();
      tell(() -> listener.record(record, clock.timeOf(record, waitedFor)));
    }
  }

  private void missed(long records) {
    if (!passing) {
      lost.accumulateAndGet(records, KernelLog::saturatedSum);
      tell(() -> listener.lost(records));
    }
  }

  private static void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      LOG.error("the kernel log's listener failed; it goes on", e);
    }
  }

  private static long saturatedSum(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }
}
