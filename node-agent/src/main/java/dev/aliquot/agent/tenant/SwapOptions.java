package dev.aliquot.agent.tenant;

import dev.aliquot.residency.ResidencyRules;
import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Who is swapped out, and when.
 *
 * @param mode for tenants that do not say
 * @param rules how long a tenant keeps a device
 * @param deepAfter how long one that is out keeps its contexts on the device; null: for good
 * @param deepLockTimeout how long the driver may take to have a process at rest
 */
public record SwapOptions(
    SwapMode mode, ResidencyRules rules, @Nullable Duration deepAfter, Duration deepLockTimeout) {
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(2);

  public static final SwapOptions DEFAULTS =
      new SwapOptions(
          SwapMode.ALLOWED, new ResidencyRules(Duration.ofSeconds(5), Duration.ofSeconds(2)));

  /** Nobody goes deep by itself. */
  public SwapOptions(SwapMode mode, ResidencyRules rules) {
    this(mode, rules, null, LOCK_TIMEOUT);
  }

  /** The same with contexts that leave the device after a while. */
  public SwapOptions withDeepAfter(Duration time) {
    return new SwapOptions(mode, rules, time, deepLockTimeout);
  }
}
