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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks one device how it is, once a period and whenever something may have changed, on a thread of
 * its own: a driver that does not answer for this device stalls no other.
 */
final class DevicePoll {
  private static final Logger LOG = LoggerFactory.getLogger(DevicePoll.class);
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  /** However often something may have changed, the driver is left in peace for so long. */
  private static final Duration REST = Duration.ofMillis(20);

  /** A driver that fails once is asked again before it counts. */
  private static final Duration SECOND_TRY = Duration.ofMillis(200);

  private static final String ASK = "See what the driver says with nvidia-smi, and the kernel log.";

  private final Device device;
  private final FaultDesk desk;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Semaphore asked = new Semaphore(0);
  private final Thread thread;
  private volatile long askingSince;
  private volatile boolean closed;

  /** The thread's own. */
  private String lastFailure = "";

  /** What was last told; guarded by this. */
  private Condition last;

  /** Begins; only what is other than what the desk knows of the device is told. */
  DevicePoll(Device device, FaultDesk desk, InstantSource clock, LongSupplier nanos) {
    this.device = device;
    this.desk = desk;
    this.last = desk.said(device.uuid());
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
  synchronized void checkSilence() {
    long since = askingSince;
    if (since != 0 && nanos.getAsLong() - since > TIMEOUT.toNanos()) {
      take(Condition.gone(Presence.SILENT));
    }
  }

  /** Has its thread end as soon as it has left the driver. */
  void stop() {
    closed = true;
    ask();
  }

  /** Whether its thread has ended, or does so within that time. */
  boolean join(Duration most) {
    try {
      return thread.join(most);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void run() {
    boolean failed = false;
    while (!closed) {
      Condition now = read();
      boolean fails = now.presence() == Presence.SILENT;
      boolean again = fails && !failed;
      failed = fails;
      if (!again) {
        tell(now);
      }
      try {
        Thread.sleep(again ? SECOND_TRY : REST);
        if (!again && asked.tryAcquire(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
          asked.drainPermits();
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private Condition read() {
    askingSince = nanos.getAsLong();
    try {
      Condition now = device.healthReader().read();
      lastFailure = "";
      return now;
    } catch (RuntimeException e) {
      if (!e.toString().equals(lastFailure)) {
        LOG.error("asking device {} how it is failed", device.uuid(), e);
        lastFailure = e.toString();
      }
      return Condition.gone(Presence.SILENT);
    } finally {
      askingSince = 0;
    }
  }

  private void tell(Condition now) {
    try {
      take(now);
    } catch (RuntimeException e) {
      LOG.error("what device {} says of itself could not be taken", device.uuid(), e);
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
