package dev.aliquot.agent.deep;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.cuda.CudaCheckpoint.State;
import dev.aliquot.cuda.CudaException;
import dev.aliquot.cuda.CudaStatus;
import dev.aliquot.ffm.NativeException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's steps on one process: lock, checkpoint; restore, unlock. What the driver says about
 * the process decides what became of it, not what a step answered.
 *
 * <p>Invariant: no process is left locked, whichever step fails, unless the driver refuses to
 * unlock it. A process that ends at any point is no error.
 */
final class Steps {
  /** How often a driver that is in the middle of something is asked again. */
  private static final int MOST_LOOKS = 100;

  /** How often a driver that refuses to say how a process stands, or to unlock it, is. */
  private static final int MOST_TRIES = 10;

  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
  private static final Logger LOG = LoggerFactory.getLogger(Steps.class);

  private final Checkpoints driver;
  private final Predicate<ProcessId> isAlive;
  private final Duration lookAgain;

  Steps(Checkpoints driver, Predicate<ProcessId> isAlive) {
    this(driver, isAlive, LOOK_AGAIN);
  }

  Steps(Checkpoints driver, Predicate<ProcessId> isAlive, Duration lookAgain) {
    this.driver = driver;
    this.isAlive = isAlive;
    this.lookAgain = lookAgain;
  }

  boolean isGone(ProcessId id) {
    return !isAlive.test(id);
  }

  /**
   * Takes a process off its devices.
   *
   * @param lockTimeout how long its work there may take to end
   */
  Dive dive(ProcessId id, Duration lockTimeout) {
    if (!isAlive.test(id)) {
      return new Dive.Gone();
    }
    String failure = "";
    boolean done = false;
    try {
      driver.lock(id.pid(), lockTimeout);
      // the pid may have come to mean another process before the driver looked
      if (isAlive.test(id)) {
        driver.checkpoint(id.pid());
        done = true;
      }
    } catch (NativeException e) {
      failure = sentence(e);
    }
    return stand(id, failure, done);
  }

  /** Where a process stands that an earlier agent had begun with; it is locked no more. */
  Dive look(ProcessId id) {
    return isAlive.test(id)
        ? stand(id, "an earlier agent did not get to its checkpoint", false)
        : new Dive.Gone();
  }

  /** Brings a process back, from wherever it stands. There has to be room for it. */
  Rise rise(ProcessId id) {
    if (!isAlive.test(id)) {
      return new Rise.Gone();
    }
    String failure = "";
    boolean never = false;
    boolean restored = false;
    try {
      if (settled(id.pid()) == State.CHECKPOINTED) {
        driver.restore(id.pid());
        restored = true;
      }
    } catch (NativeException e) {
      failure = sentence(e);
      never = isForGood(e);
    }
    Optional<State> state = unlocked(id);
    if (!isAlive.test(id)) {
      return new Rise.Gone();
    }
    if (state.isEmpty()) {
      String reason = "the driver does not say how it stands";
      return restored ? new Rise.Locked(reason) : new Rise.StaysDeep(reason);
    }
    return switch (state.get()) {
      case RUNNING -> new Rise.Restored();
      case CHECKPOINTED -> never ? new Rise.Lost(failure) : new Rise.StaysDeep(failure);
      case LOCKED -> new Rise.Locked("the driver does not unlock it");
      case BUSY -> new Rise.Locked("the driver is not done with it");
      case FAILED -> new Rise.Lost(failure.isEmpty() ? "the driver has given it up" : failure);
    };
  }

  // ---- inside

  /**
   * @param done whether the checkpoint said that it is done: counts where the driver says no more
   */
  private Dive stand(ProcessId id, String failure, boolean done) {
    Optional<State> state = unlocked(id);
    if (!isAlive.test(id)) {
      return new Dive.Gone();
    }
    if (state.isEmpty() && done) {
      return new Dive.Deep();
    }
    if (state.isEmpty()) {
      return new Dive.StaysHot(
          failure.isEmpty() ? "the driver does not say how it stands" : failure);
    }
    return switch (state.get()) {
      case CHECKPOINTED -> new Dive.Deep();
      case RUNNING -> new Dive.StaysHot(failure);
      case LOCKED -> new Dive.Lost("the driver has locked it and does not unlock it: " + failure);
      case BUSY -> new Dive.Lost("the driver is not done with it: " + failure);
      case FAILED -> new Dive.Lost("the driver has given it up: " + failure);
    };
  }

  /**
   * Unlocks the process if it is locked, again where the driver refuses; answers how it stands
   * then, empty if nobody knows.
   */
  private Optional<State> unlocked(ProcessId id) {
    Optional<State> last = Optional.empty();
    for (int i = 0; i < MOST_TRIES && (i == 0 || isAlive.test(id)); i++) {
      try {
        State state = settled(id.pid());
        last = Optional.of(state);
        if (state != State.LOCKED) {
          return last;
        }
        driver.unlock(id.pid());
        return Optional.of(settled(id.pid()));
      } catch (NativeException e) {
        LOG.debug("process {} is looked at again: {}", id.pid(), e.getMessage());
        pause();
      }
    }
    return last;
  }

  private State settled(int pid) {
    State state = driver.state(pid);
    for (int i = 0; i < MOST_LOOKS && state == State.BUSY; i++) {
      pause();
      state = driver.state(pid);
    }
    return state;
  }

  private void pause() {
    try {
      Thread.sleep(lookAgain);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A process that held imported memory when it left can never be restored. */
  private static boolean isForGood(NativeException e) {
    return e instanceof CudaException cuda
        && (cuda.is(CudaStatus.NOT_SUPPORTED) || cuda.is(CudaStatus.ILLEGAL_STATE));
  }

  private static String sentence(NativeException e) {
    return String.valueOf(e.getMessage());
  }
}
