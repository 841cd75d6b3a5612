package dev.aliquot.health.device;

import dev.aliquot.health.catalogue.FaultClass;
import java.util.Objects;

/**
 * That a fault has taken a device out.
 *
 * @param cause the fault's, as written
 * @param gone whether the fault says that the device is not there any more
 * @param sinceNanos when
 * @param confirmed whether the driver has wanted the device or the node reset since
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

  /** Refuses what is missing: claims are read from a file. */
  public Claim {
    Objects.requireNonNull(cause, "cause");
    Objects.requireNonNull(faultClass, "faultClass");
    Objects.requireNonNull(text, "text");
  }

  Claim confirm() {
    return new Claim(fault, cause, faultClass, text, gone, drill, sinceNanos, true);
  }

  /** The same; a time from another clock would keep the device out for as long as that differs. */
  Claim notAfter(long nowNanos) {
    long since = Math.min(sinceNanos, nowNanos);
    return new Claim(fault, cause, faultClass, text, gone, drill, since, confirmed);
  }

  /** Whether a driver that has seen nothing wrong for a while is believed. */
  boolean yields() {
    return gone || faultClass == FaultClass.RESET;
  }
}
