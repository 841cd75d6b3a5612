package dev.aliquot.agent.health;

import dev.aliquot.agent.device.DeviceEvent;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Report;
import dev.aliquot.health.fault.Source;
import dev.aliquot.health.fault.XidReports;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes NVML's events, on a thread of its own. */
final class EventLoop {
  private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);

  /**
   * An agent that is to stop waits for as long: nothing can call a thread back out of the driver.
   */
  private static final Duration WAIT = Duration.ofMillis(100);

  private final DeviceEvents events;
  private final XidReports reports;
  private final FaultDesk desk;
  private final Degradations degradations;
  private final Runnable ask;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Duration pause;
  private final Thread thread;
  private volatile boolean closed;

  /**
   * Begins.
   *
   * @param ask has every device asked how it is
   * @param pause before a driver that fails is tried again
   */
  EventLoop(
      DeviceEvents events,
      XidReports reports,
      FaultDesk desk,
      Degradations degradations,
      Runnable ask,
      InstantSource clock,
      LongSupplier nanos,
      Duration pause) {
    this.events = events;
    this.reports = reports;
    this.desk = desk;
    this.degradations = degradations;
    this.ask = ask;
    this.clock = clock;
    this.nanos = nanos;
    this.pause = pause;
    this.thread = Thread.ofPlatform().daemon().name("aliquot-nvml-events").start(this::run);
  }

  private void run() {
    while (!closed) {
      try {
        events.await(WAIT).ifPresent(this::take);
        degradations.end(Degradations.What.NVML_EVENTS);
      } catch (NativeException e) {
        degradations.begin(
            Degradations.What.NVML_EVENTS,
            "NVML delivers no events (" + e.getMessage() + "); the kernel log is still read");
        ask.run();
        pause();
      } catch (RuntimeException e) {
        LOG.error("an event of NVML's could not be taken", e);
        pause();
      }
    }
  }

  private void take(DeviceEvent event) {
    boolean programs = false;
    if (event.kind() == DeviceEvent.Kind.XID) {
      Moment now = new Moment(clock.instant(), nanos.getAsLong());
      Report report = reports.of(event.code(), Source.NVML_EVENT, now, event.device(), false);
      programs = report.faultClass() == FaultClass.APP;
      desk.take(report, false);
    }
    if (!programs) {
      ask.run();
    }
  }

  private void pause() {
    try {
      Thread.sleep(pause);
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  /** Has its thread end as soon as it has left the driver. */
  void stop() {
    closed = true;
    thread.interrupt();
  }

  /** Whether its thread has ended, or does so within that time; frees the events then. */
  boolean join(Duration most) {
    try {
      if (!thread.join(most)) {
        return false;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    try {
      events.close();
    } catch (NativeException e) {
      LOG.warn("NVML's events could not be freed: {}", e.getMessage());
    }
    return true;
  }
}
