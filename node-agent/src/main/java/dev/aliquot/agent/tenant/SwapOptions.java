package dev.aliquot.agent.tenant;

import dev.aliquot.residency.ResidencyRules;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;

/**
 * Who is swapped out, and when.
 *
 * @param mode for tenants that do not say
 * @param rules how long a tenant keeps a device
 */
public record SwapOptions(SwapMode mode, ResidencyRules rules) {
  public static final SwapOptions DEFAULTS =
      new SwapOptions(
          SwapMode.ALLOWED, new ResidencyRules(Duration.ofSeconds(5), Duration.ofSeconds(2)));
}
