package dev.aliquot.agent.health;

import dev.aliquot.health.device.Condition;
import dev.aliquot.nvml.RecoveryAction;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a device said of itself last, as it is kept: where it still says so, the next agent tells
 * nothing new.
 *
 * @param action null: the driver is too old to say
 */
record KeptCondition(
    Condition.Presence presence,
    @Nullable RecoveryAction action,
    boolean remapPending,
    boolean remapFailed,
    long uncorrectedErrors) {

  KeptCondition {
    Objects.requireNonNull(presence, "presence");
  }

  static KeptCondition of(Condition condition) {
    return new KeptCondition(
        condition.presence(),
        condition.action().orElse(null),
        condition.remapPending(),
        condition.remapFailed(),
        condition.uncorrectedErrors());
  }

  Condition condition() {
    return new Condition(
        presence, Optional.ofNullable(action), remapPending, remapFailed, uncorrectedErrors);
  }
}
