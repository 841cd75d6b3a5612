package dev.aliquot.health.node;

import java.util.Locale;

/** How a node stands as a whole. From the best to the worst. */
public enum Grade {
  /** Every device takes tenants. */
  HEALTHY,
  /** Some do. */
  DEGRADED,
  /** None does. */
  UNHEALTHY;

  /** As it is written in labels and answers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
