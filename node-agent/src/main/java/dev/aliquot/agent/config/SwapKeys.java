package dev.aliquot.agent.config;

import dev.aliquot.residency.SwapMode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Which tenants leave their devices, and when. */
final class SwapKeys {
  static final ConfigKey<SwapMode> SWAP =
      ConfigKey.fixed(
          "swap",
          ConfigTypes.choice(SwapMode.class),
          "never, allowed or preferred",
          "allowed",
          "Whether a tenant that does not say may be swapped out: moved to host memory as a whole"
              + " when another needs its memory, until it needs the device again.");
  static final ConfigKey<Duration> SWAP_IDLE_AFTER =
      ConfigKey.fixed(
          "swap-idle-after",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(100),
              Duration.ofHours(24),
              "a duration from 100ms to 24h such as 5s"),
          "a duration from 100ms to 24h",
          "5s",
          "A tenant that has not used its device for this long counts as idle.");
  static final ConfigKey<Duration> SWAP_MINIMUM_RESIDENCY =
      ConfigKey.fixed(
          "swap-minimum-residency",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofHours(24),
              "a duration from 0s to 24h such as 2s"),
          "a duration from 0s to 24h",
          "2s",
          "How long a tenant keeps a device at least once it has it. One that uses the device keeps"
              + " it for nine times as long as an exchange takes, too.");
  static final ConfigKey<Optional<Duration>> SWAP_DEEP_AFTER =
      ConfigKey.fixed(
          "swap-deep-after",
          ConfigTypes.orNever(
              ConfigTypes.bounded(
                  "duration",
                  Durations::parse,
                  Duration.ofMillis(100),
                  Duration.ofHours(24),
                  "never or a duration from 100ms to 24h such as 1m")),
          "never, or a duration from 100ms to 24h",
          "never",
          "A tenant that has been swapped out for this long leaves the device with its contexts, too,"
              + " by the driver's checkpoint (R570 and later). It takes longer to come back. So does"
              + " one of which nothing moves, when memory is short and it has been idle.");
  static final ConfigKey<Duration> SWAP_DEEP_LOCK_TIMEOUT =
      ConfigKey.fixed(
          "swap-deep-lock-timeout",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(10),
              Duration.ofMinutes(1),
              "a duration from 10ms to 1m such as 2s"),
          "a duration from 10ms to 1m",
          "2s",
          "How long the driver may take to have a process at rest before its checkpoint; then it"
              + " stays swapped out as it was.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          SWAP, SWAP_IDLE_AFTER, SWAP_MINIMUM_RESIDENCY, SWAP_DEEP_AFTER, SWAP_DEEP_LOCK_TIMEOUT);

  private SwapKeys() {}
}
