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

  /** Who of those that wait for what is not guaranteed to them is served first. */
  default Priority priority(String tenant) {
    return Priority.NORMAL;
  }

  /** Whether a tenant uses the device, as far as is known. */
  default boolean isActive(String tenant) {
    return false;
  }

  /** A tenant has the device from now on: it has waited for it. */
  default void arrived(String tenant) {}

  /** The same for one whose data is only now on its way back. */
  default void comesBack(String tenant) {
    arrived(tenant);
  }

  /** One whose data was on its way back stays away after all. */
  default void staysAway(String tenant) {}

  /** How ready a tenant is to leave. */
  enum Readiness {
    /** It does not use the device. */
    IDLE,
    /** It uses the device, and has had it for long enough. */
    DUE,
    /** It has not had the device for long enough. */
    NOT_YET,
    /** Nor will it have for as long as an ask waits; who comes back waits for that, too. */
    LATER,
    /** It uses the device, and its priority is higher than the claimant's: once it is idle. */
    WHEN_IDLE
  }

  /** A tenant that may leave. */
  record Leaver(String tenant, Readiness readiness) {}
}
