package dev.aliquot.agent.config;

import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** The table of everything that can be configured. */
public final class ConfigKeys {
  private static final List<ConfigKey<?>> ALL =
      Stream.of(
              NodeKeys.ALL,
              LendingKeys.ALL,
              SwapKeys.ALL,
              HealthKeys.ALL,
              KubeletKeys.ALL,
              ServingKeys.ALL)
          .<ConfigKey<?>>flatMap(Collection::stream)
          .toList();

  private ConfigKeys() {}

  /** Every key, in the reference page's order. */
  public static List<ConfigKey<?>> all() {
    return ALL;
  }
}
