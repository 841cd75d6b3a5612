package dev.aliquot.ledger;

import java.util.List;

/**
 * Which tenants of a device may be swapped out as a whole, and in which order. Called under the
 * device's lock: must neither block nor call the ledger.
 */
@FunctionalInterface
public interface SwapPolicy {
  /** Nobody may. */
  SwapPolicy NEVER = claimant -> List.of();

  /** Those that may leave for another tenant, now or later; the first first. */
  List<Leaver> leavers(String claimant);

  /** How ready a tenant is to leave. */
  enum Readiness {
    /** It does not use the device. */
    IDLE,
    /** It uses the device, and has had it for long enough. */
    DUE,
    /** It has not had the device for long enough. */
    NOT_YET
  }

  /** A tenant that may leave. */
  record Leaver(String tenant, Readiness readiness) {}
}
