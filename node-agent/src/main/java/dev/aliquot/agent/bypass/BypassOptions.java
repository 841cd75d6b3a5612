package dev.aliquot.agent.bypass;

import dev.aliquot.agent.config.BypassPolicy;
import java.time.Duration;

/**
 * What is done about memory that is not accounted for.
 *
 * @param tenants for processes of tenants
 * @param strangers for processes that are no tenant's
 * @param toleranceBytes what a process may hold beyond its report and a context
 * @param grace between SIGTERM and SIGKILL
 */
public record BypassOptions(
    BypassPolicy tenants, BypassPolicy strangers, long toleranceBytes, Duration grace) {
  public static final BypassOptions DEFAULTS =
      new BypassOptions(BypassPolicy.REPORT, BypassPolicy.REPORT, 1L << 30, Duration.ofSeconds(10));

  BypassPolicy policy(Kind kind) {
    return kind == Kind.STRANGER ? strangers : tenants;
  }
}
