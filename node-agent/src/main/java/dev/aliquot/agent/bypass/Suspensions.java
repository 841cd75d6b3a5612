package dev.aliquot.agent.bypass;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.ffm.NativeException;
import java.io.IOException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Suspends processes and lets them go on. Used by one thread. */
final class Suspensions {
  private static final Logger LOG = LoggerFactory.getLogger(Suspensions.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private final ProcFs proc;
  private final Suspender suspender;
  private final SuspendedFile file;

  Suspensions(ProcFs proc, Suspender suspender, SuspendedFile file) {
    this.proc = proc;
    this.suspender = suspender;
    this.file = file;
  }

  /**
   * Suspends this very process.
   *
   * @throws NativeException when the driver cannot
   * @throws IOException when it could not be remembered, so that it was not done
   */
  void suspend(ProcessId id) throws IOException {
    if (!proc.isAlive(id)) {
      return;
    }
    file.add(id);
    boolean locked = false;
    try {
      suspender.lock(id.pid(), TIMEOUT);
      locked = true;
    } finally {
      if (!locked) {
        file.remove(id);
      }
    }
    if (!proc.isAlive(id)) {
      // It ended, and the pid may have come to mean another process before the driver looked.
      file.remove(id);
      suspender.unlock(id.pid());
    }
  }

  boolean isSuspended(ProcessId id) {
    return file.contains(id);
  }

  /** Whether it was suspended and goes on now. */
  boolean release(ProcessId id) {
    if (!file.contains(id)) {
      return false;
    }
    boolean lives = proc.isAlive(id);
    try {
      if (lives) {
        suspender.unlock(id.pid());
      }
    } catch (NativeException e) {
      // Gone meanwhile, most likely: the driver knows no such process.
      LOG.info("process {} could not be released: {}", id.pid(), e.getMessage());
      lives = false;
    }
    try {
      file.remove(id);
    } catch (IOException e) {
      LOG.warn("process {} is released, but not forgotten: {}", id.pid(), e.getMessage());
    }
    return lives;
  }

  void releaseAll() {
    for (ProcessId id : file.all()) {
      if (release(id)) {
        LOG.info("process {} is released", id.pid());
      }
    }
  }
}
