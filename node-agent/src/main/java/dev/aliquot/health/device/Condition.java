package dev.aliquot.health.device;

import dev.aliquot.nvml.RecoveryAction;
import java.util.Optional;

/**
 * What a device says of itself.
 *
 * @param presence whether it answers
 * @param action what the driver wants done; empty where it is too old to say
 * @param remapPending memory waits for a reset to be replaced
 * @param remapFailed memory could not be replaced
 * @param uncorrectedErrors uncorrected memory errors since the driver was loaded; -1 where it does
 *     not say
 */
public record Condition(
    Presence presence,
    Optional<RecoveryAction> action,
    boolean remapPending,
    boolean remapFailed,
    long uncorrectedErrors) {
  /** Of a device that has not been asked yet, or whose driver says nothing of its health. */
  public static final Condition NOTHING_SAID =
      new Condition(Presence.ANSWERS, Optional.empty(), false, false, -1);

  /** Whether the driver answers for a device. */
  public enum Presence {
    ANSWERS,
    /** The driver says that it is gone. */
    LOST,
    /** The driver says nothing, or fails otherwise. */
    SILENT
  }

  public static Condition gone(Presence presence) {
    return new Condition(presence, Optional.empty(), false, false, -1);
  }
}
