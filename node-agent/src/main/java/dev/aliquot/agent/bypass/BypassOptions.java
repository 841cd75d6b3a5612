package dev.aliquot.agent.bypass;

import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.config.KeeperPolicy;
import java.time.Duration;

/**
 * What is done about memory that is not accounted for, or not given back.
 *
 * @param tenants for processes of tenants
 * @param strangers for processes that are no tenant's
 * @param keepers for tenants' processes that keep what is guaranteed to another tenant
 * @param toleranceBytes what a process may hold beyond its report and a context
 * @param grace between SIGTERM and SIGKILL
 */
public record BypassOptions(
    BypassPolicy tenants,
    BypassPolicy strangers,
    KeeperPolicy keepers,
    long toleranceBytes,
    Duration grace) {
  public static final BypassOptions DEFAULTS =
      new BypassOptions(
          BypassPolicy.REPORT,
          BypassPolicy.REPORT,
          KeeperPolicy.REPORT,
          1L << 30,
          Duration.ofSeconds(10));

  BypassPolicy policy(Kind kind) {
    return switch (kind) {
      case STRANGER -> strangers;
      case UNATTACHED, UNDERREPORTING -> tenants;
      case KEEPING -> keepers.action();
    };
  }
}
