package dev.aliquot.agent.bypass;

import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.config.Durations;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.process.Stopper;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.linux.PidFd;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what the policy says, on a thread of its own: the driver may take seconds to lock a process.
 * The agent itself and the system's first process are never touched. Where a process cannot be
 * suspended it is reported with the reason, and no signal takes the lock's place.
 */
final class Enforcer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Enforcer.class);
  private static final int STOP_SECONDS = 5;

  private final BypassOptions options;
  private final Suspensions suspensions;
  private final Stopper stopper;
  private final Events events;
  private final Map<ProcessId, PidFd> stopping = new HashMap<>();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-bypass").unstarted(task));

  Enforcer(BypassOptions options, Suspensions suspensions, Stopper stopper, Events events) {
    this.options = options;
    this.suspensions = suspensions;
    this.stopper = stopper;
    this.events = events;
  }

  /** Lets those go on that an agent which was killed had suspended. */
  void recover() {
    later(suspensions::releaseAll);
  }

  /**
   * Acts on a finding, soon.
   *
   * @param stillSo asked just before
   * @param settle told what became of it; also with nothing done when it is not so any more
   */
  void enforce(Finding finding, BooleanSupplier stillSo, Consumer<Outcome> settle) {
    later(
        () -> {
          Outcome outcome = new Outcome("", false);
          try {
            if (stillSo.getAsBoolean()) {
              outcome = act(finding);
            }
          } catch (RuntimeException e) {
            LOG.error("{} could not be dealt with", finding.text(), e);
          } finally {
            settle.accept(outcome);
          }
        });
  }

  /** It is accounted for or gone: lets it go on if it was suspended. */
  void release(Finding finding) {
    later(
        () -> {
          if (suspensions.release(finding.sighting().id())) {
            events.add("released", finding, "it is accounted for again");
          }
        });
  }

  /** Lets everybody go on whom it has suspended. */
  @Override
  public void close() {
    later(
        () -> {
          suspensions.releaseAll();
          stopping.values().forEach(PidFd::close);
          stopping.clear();
        });
    thread.shutdown();
    try {
      if (!thread.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("the driver does not answer: the next agent releases what is suspended");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** On the thread; nothing waits there but the driver. */
  Outcome act(Finding finding) {
    ProcessId id = finding.sighting().id();
    BypassPolicy policy = options.policy(finding.sighting().kind());
    if (policy == BypassPolicy.REPORT) {
      if (suspensions.release(id)) {
        events.add("released", finding, "the policy is to report");
      }
      return new Outcome("reported", true);
    }
    if (id.pid() == 1 || id.pid() == ProcessHandle.current().pid()) {
      return new Outcome("reported: the agent and the first process are never touched", true);
    }
    return policy == BypassPolicy.SUSPEND ? suspend(finding) : stop(finding);
  }

  private Outcome suspend(Finding finding) {
    ProcessId id = finding.sighting().id();
    if (suspensions.isSuspended(id)) {
      return new Outcome("suspended", true);
    }
    try {
      suspensions.suspend(id);
      if (suspensions.isSuspended(id)) {
        events.add("suspended", finding, "its CUDA calls wait until it is accounted for");
      }
      return new Outcome("suspended", true);
    } catch (NativeException | IOException e) {
      return failed(finding, "reported, not suspended: " + e.getMessage());
    }
  }

  private Outcome stop(Finding finding) {
    ProcessId id = finding.sighting().id();
    String action = "stopping: SIGKILL " + Durations.exact(options.grace()) + " after SIGTERM";
    if (stopping.containsKey(id)) {
      return new Outcome(action, true);
    }
    try {
      Optional<PidFd> descriptor = stopper.open(id);
      if (descriptor.isPresent()) {
        stopping.put(id, descriptor.get());
        if (stopper.terminate(descriptor.get())) {
          events.add("stopping", finding, "the policy is to stop it: SIGTERM sent");
        }
        var _ =
            thread.schedule(() -> kill(finding), options.grace().toMillis(), TimeUnit.MILLISECONDS);
      }
      return new Outcome(action, true);
    } catch (NativeException e) {
      return failed(finding, "reported, not stopped: " + e.getMessage());
    }
  }

  private void kill(Finding finding) {
    PidFd descriptor = stopping.remove(finding.sighting().id());
    if (descriptor == null) {
      return;
    }
    try (descriptor) {
      if (stopper.kill(descriptor)) {
        events.add(
            "killed",
            finding,
            "it was still there "
                + Durations.exact(options.grace())
                + " after SIGTERM: SIGKILL sent");
      }
    } catch (NativeException e) {
      LOG.error("{} could not be killed: {}", finding.text(), e.getMessage());
    }
  }

  /** Tried again later; said again only where the reason is another one. */
  private Outcome failed(Finding finding, String action) {
    if (!action.equals(finding.action())) {
      events.add("failed", finding, action);
    }
    return new Outcome(action, false);
  }

  private void later(Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      LOG.debug("the agent is stopping", e);
    }
  }
}
