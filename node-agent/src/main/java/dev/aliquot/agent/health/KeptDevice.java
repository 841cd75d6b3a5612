package dev.aliquot.agent.health;

import dev.aliquot.health.device.Past;
import java.time.Instant;
import java.util.Objects;

/**
 * What outlives the agent of one device.
 *
 * @param past of its state
 * @param cleared when somebody last said that it is well
 */
record KeptDevice(Past past, Instant cleared) {

  KeptDevice {
    Objects.requireNonNull(past, "past");
    Objects.requireNonNull(cleared, "cleared");
  }

  /** The same after the machine was started anew. */
  KeptDevice reset() {
    return new KeptDevice(Past.NONE, cleared);
  }
}
