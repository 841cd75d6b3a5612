package dev.aliquot.plugin.ledger;

import java.time.Duration;

/**
 * How patient the ledger is.
 *
 * @param grace how long after its allocation a grant stays that no pod is listed with
 * @param unlisted how long one stays that only the kubelet's checkpoint has: an init container's is
 *     never listed
 * @param forgotten how long one stays whose pod is listed without ids, once nobody uses it
 */
public record LedgerRules(Duration grace, Duration unlisted, Duration forgotten) {
  /** What an agent uses. */
  public static final LedgerRules DEFAULT =
      new LedgerRules(Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofMinutes(1));
}
