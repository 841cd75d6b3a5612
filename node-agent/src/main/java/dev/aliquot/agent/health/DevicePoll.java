package dev.aliquot.agent.health;

import dev.aliquot.agent.device.Device;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Condition.Presence;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Report;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Asks one device how it is, once a period and whenever something may have changed, on a thread of
 * its own: a driver that does not answer for this device stalls no other.
 */
final class DevicePoll {
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final String ASK = "See what the driver says with nvidia-smi, and the kernel log.";

  private final Device device;
  private final FaultDesk desk;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Semaphore asked = new Semaphore(0);
  private final Thread thread;
  private volatile long askingSince;
  private volatile boolean closed;

  /** What was last told; guarded by this. */
  private Condition last =
      new Condition(Presence.ANSWERS, java.util.Optional.empty(), false, false, -1);

  DevicePoll(Device device, FaultDesk desk, InstantSource clock, LongSupplier nanos) {
    this.device = device;
    this.desk = desk;
    this.clock = clock;
    this.nanos = nanos;
    this.thread =
        Thread.ofPlatform()
            .daemon()
            .name("aliquot-health-" + device.facts().index())
            .start(this::run);
  }

  /** Has it asked soon. */
  void ask() {
    if (asked.availablePermits() == 0) {
      asked.release();
    }
  }

  /** To be called regularly: a driver that has been silent for too long is one that fails. */
  void checkSilence() {
    long since = askingSince;
    if (since != 0 && nanos.getAsLong() - since > TIMEOUT.toNanos()) {
      take(Condition.gone(Presence.SILENT));
    }
  }

  /** Whether its thread has left the driver. */
  boolean stop(Duration most) {
    closed = true;
    ask();
    try {
      return thread.join(most);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void run() {
    while (!closed) {
      askingSince = nanos.getAsLong();
      Condition now = device.healthReader().read();
      askingSince = 0;
      take(now);
      try {
        if (asked.tryAcquire(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
          asked.drainPermits();
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private synchronized void take(Condition now) {
    Condition before = last;
    last = now;
    if (now.presence() != Presence.ANSWERS) {
      if (now.presence() != before.presence()) {
        report(
            now.presence() == Presence.LOST ? Cause.Seen.LOST : Cause.Seen.SILENT,
            now.presence() == Presence.LOST
                ? "The driver says that the device is lost: reset it, or restart the machine."
                : "The driver does not answer for the device.");
      }
    } else {
      compare(before, now);
    }
    desk.condition(device.uuid(), now);
  }

  private void compare(Condition before, Condition now) {
    RecoveryAction wanted = now.action().orElse(RecoveryAction.NONE);
    if (wanted != before.action().orElse(RecoveryAction.NONE)) {
      report(new Cause.Recovery(wanted), "The driver says anew what the device needs.");
    }
    if (now.remapFailed() && !before.remapFailed()) {
      report(Cause.Seen.REMAP_FAILED, "Device memory could not be replaced by spare memory.");
    }
    if (now.remapPending() && !before.remapPending()) {
      report(Cause.Seen.REMAP_PENDING, "Device memory waits for a reset to be replaced.");
    }
    if (before.uncorrectedErrors() >= 0 && now.uncorrectedErrors() > before.uncorrectedErrors()) {
      report(
          Cause.Seen.UNCORRECTED_MEMORY_ERROR,
          "The device counts more uncorrected memory errors: "
              + (now.uncorrectedErrors() - before.uncorrectedErrors())
              + " more.");
    }
  }

  private void report(Cause cause, String text) {
    desk.take(
        Report.ofDevice(
            new Moment(clock.instant(), nanos.getAsLong()),
            device.uuid(),
            cause,
            FaultClass.STATE,
            text,
            ASK),
        false);
  }
}
