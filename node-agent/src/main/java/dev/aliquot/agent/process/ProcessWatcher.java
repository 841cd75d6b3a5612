package dev.aliquot.agent.process;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.linux.Errno;
import dev.aliquot.linux.EventFd;
import dev.aliquot.linux.LinuxException;
import dev.aliquot.linux.PidFd;
import java.time.Duration;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when processes end, at once: one thread waits on a pidfd for each. Thread-safe. Where a
 * pidfd cannot be had (too many open files) the process is looked at twice a second.
 */
public final class ProcessWatcher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessWatcher.class);
  private static final Duration POLL = Duration.ofMillis(500);

  private final ProcFs proc;
  private final EventFd wake = EventFd.open();
  private final Map<Watch, Boolean> watches = new ConcurrentHashMap<>();

  /** Each watch once, also one that is closed before the thread sees it: it has a descriptor. */
  private final Queue<Watch> arrived = new ConcurrentLinkedQueue<>();

  private final Thread thread;
  private volatile boolean closed;

  /** A process that is being watched; closing it ends that without a call. */
  public final class Watch implements AutoCloseable {
    private final ProcessId id;
    private final Runnable onEnd;
    private final PidFd[] descriptor;

    private Watch(ProcessId id, Runnable onEnd, PidFd... descriptor) {
      this.id = id;
      this.onEnd = onEnd;
      this.descriptor = descriptor;
    }

    @Override
    public void close() {
      if (watches.remove(this) != null) {
        wake.signal();
      }
    }
  }

  public ProcessWatcher(ProcFs proc) {
    this.proc = proc;
    thread = Thread.ofPlatform().daemon().name("aliquot-processes").unstarted(this::run);
    thread.start();
  }

  /**
   * Watches a process. onEnd is called once, on the watcher's thread, at once if the process is
   * gone already.
   *
   * @param onEnd must not block for long
   */
  public Watch watch(ProcessId id, Runnable onEnd) {
    Watch watch = new Watch(id, onEnd, open(id));
    watches.put(watch, true);
    arrived.add(watch);
    wake.signal();
    return watch;
  }

  @Override
  public void close() {
    closed = true;
    wake.signal();
    boolean interrupted = false;
    try {
      thread.join(5_000);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static PidFd[] open(ProcessId id) {
    try {
      return new PidFd[] {PidFd.open(id.pid())};
    } catch (LinuxException e) {
      if (!e.is(Errno.ESRCH)) {
        LOG.warn("process {} is polled: {}", id.pid(), e.getMessage());
      }
      return new PidFd[0];
    }
  }

  private void run() {
    // Descriptors of watches that were closed are closed here only, when nobody waits on them.
    Set<Watch> waiting = new LinkedHashSet<>();
    while (!closed) {
      try {
        watchOnce(waiting);
      } catch (RuntimeException e) {
        LOG.error("watching processes failed; it goes on", e);
        pause();
      }
    }
    waiting.addAll(arrived);
    watches.clear();
    drop(waiting);
    wake.close();
  }

  private static void pause() {
    try {
      Thread.sleep(POLL);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void watchOnce(Set<Watch> waiting) {
    drop(waiting);
    for (Watch watch = arrived.poll(); watch != null; watch = arrived.poll()) {
      waiting.add(watch);
      // The pid may have come to mean another process before its descriptor was opened.
      if (!proc.isAlive(watch.id)) {
        end(watch);
      }
    }
    drop(waiting);
    List<Watch> polled = waiting.stream().filter(watch -> watch.descriptor.length == 0).toList();
    List<Watch> described = waiting.stream().filter(watch -> watch.descriptor.length == 1).toList();
    int[] descriptors = new int[described.size() + 1];
    descriptors[0] = wake.descriptor();
    for (int i = 0; i < described.size(); i++) {
      descriptors[i + 1] = described.get(i).descriptor[0].descriptor();
    }
    BitSet ready =
        Descriptors.awaitReadable(polled.isEmpty() ? Duration.ofSeconds(60) : POLL, descriptors);
    if (ready.get(0)) {
      wake.drain();
    }
    for (int i = 0; i < described.size(); i++) {
      // A pidfd may be readable for an instant while another thread than the first calls execve.
      if (ready.get(i + 1) && !proc.isAlive(described.get(i).id)) {
        end(described.get(i));
      }
    }
    polled.stream().filter(watch -> !proc.isAlive(watch.id)).forEach(this::end);
  }

  private void drop(Set<Watch> waiting) {
    waiting.removeIf(
        watch -> {
          if (watches.containsKey(watch)) {
            return false;
          }
          for (PidFd descriptor : watch.descriptor) {
            descriptor.close();
          }
          return true;
        });
  }

  private void end(Watch watch) {
    if (watches.remove(watch) != null) {
      try {
        watch.onEnd.run();
      } catch (RuntimeException e) {
        LOG.error("the end of process {} could not be dealt with", watch.id.pid(), e);
      }
    }
  }
}
