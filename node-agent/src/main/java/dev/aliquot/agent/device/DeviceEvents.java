package dev.aliquot.agent.device;

import java.time.Duration;
import java.util.Optional;

/** The events of all devices. One thread waits at a time. */
public interface DeviceEvents extends AutoCloseable {

  /** The next, or empty after the time-out. */
  Optional<DeviceEvent> await(Duration timeout);

  @Override
  void close();
}
