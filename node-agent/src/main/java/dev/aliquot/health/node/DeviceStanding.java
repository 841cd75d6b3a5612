package dev.aliquot.health.node;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.device.Verdict;
import java.util.Optional;

/**
 * How one device of the node stands.
 *
 * @param index as people count the devices
 * @param uuid the device
 */
public record DeviceStanding(int index, String uuid, Verdict verdict) {

  /** Whether that is so for practice. */
  boolean drill() {
    return verdict.drill();
  }

  boolean takesTenants() {
    return verdict.state().takesTenants();
  }

  /** What was there is lost, and not for practice. */
  boolean isLost() {
    return verdict.state() == DeviceState.LOST && !drill();
  }

  /** What the device asks of whoever repairs nodes. */
  Optional<FaultClass> repair() {
    if (drill()) {
      return Optional.empty();
    }
    if (verdict.replace()) {
      return Optional.of(FaultClass.REPLACE);
    }
    return switch (verdict.state()) {
      case LOST, NEEDS_REBOOT -> Optional.of(FaultClass.NODE);
      case NEEDS_RESET -> Optional.of(FaultClass.RESET);
      case HEALTHY, SUSPECT, RECOVERING, DRAINING -> Optional.empty();
    };
  }
}
