package dev.aliquot.agent.health;

import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Past;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What outlives the agent of one device.
 *
 * @param past of its state
 * @param cleared when somebody last said that it is well
 * @param said what it said of itself last; null: not known
 */
record KeptDevice(Past past, Instant cleared, @Nullable KeptCondition said) {

  KeptDevice {
    Objects.requireNonNull(past, "past");
    Objects.requireNonNull(cleared, "cleared");
  }

  /** The same after the machine was started anew. */
  KeptDevice reset() {
    return new KeptDevice(Past.NONE, cleared, null);
  }

  /** What it said of itself last, as far as is known. */
  Condition condition() {
    return said == null ? Condition.NOTHING_SAID : said.condition();
  }
}
