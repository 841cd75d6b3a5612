package dev.aliquot.health.device;

import dev.aliquot.health.catalogue.FaultClass;

/**
 * That a fault has taken a device out.
 *
 * @param cause the fault's, as written
 * @param gone whether the fault says that the device is not there any more
 * @param sinceNanos when
 * @param confirmed whether the driver has asked for a recovery since
 */
public record Claim(
    long fault,
    String cause,
    FaultClass faultClass,
    String text,
    boolean gone,
    boolean drill,
    long sinceNanos,
    boolean confirmed) {

  Claim confirm() {
    return new Claim(fault, cause, faultClass, text, gone, drill, sinceNanos, true);
  }

  /** Whether a driver that has seen nothing wrong for a while is believed. */
  boolean yields() {
    return gone || drill || faultClass == FaultClass.RESET;
  }
}
