package dev.aliquot.agent.health;

import dev.aliquot.agent.device.DeviceEvent;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Source;
import dev.aliquot.health.fault.XidReports;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/** Takes NVML's events, on a thread of its own. */
final class EventLoop implements AutoCloseable {
  private static final Duration WAIT = Duration.ofSeconds(1);
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private final DeviceEvents events;
  private final XidReports reports;
  private final FaultDesk desk;
  private final Degradations degradations;
  private final Runnable ask;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Thread thread;
  private volatile boolean closed;

  EventLoop(
      DeviceEvents events,
      XidReports reports,
      FaultDesk desk,
      Degradations degradations,
      Runnable ask,
      InstantSource clock,
      LongSupplier nanos) {
    this.events = events;
    this.reports = reports;
    this.desk = desk;
    this.degradations = degradations;
    this.ask = ask;
    this.clock = clock;
    this.nanos = nanos;
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
      }
    }
  }

  private void take(DeviceEvent event) {
    if (event.kind() == DeviceEvent.Kind.XID) {
      Moment now = new Moment(clock.instant(), nanos.getAsLong());
      desk.take(reports.of(event.code(), Source.NVML_EVENT, now, event.device(), false), false);
    }
    ask.run();
  }

  private void pause() {
    try {
      Thread.sleep(PAUSE);
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  /** Whether its thread has left the driver; frees the events then. */
  boolean stop(Duration most) {
    closed = true;
    thread.interrupt();
    try {
      if (!thread.join(most)) {
        return false;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    events.close();
    return true;
  }

  @Override
  public void close() {
    stop(PAUSE);
  }
}
