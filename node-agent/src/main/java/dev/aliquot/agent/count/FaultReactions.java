package dev.aliquot.agent.count;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** How long after a fault was written something was done about it. Thread-safe. */
public final class FaultReactions {
  private final Map<Kind, Histogram> waits =
      Map.of(Kind.DEVICE_OUT, new Histogram(), Kind.BLAME, new Histogram());

  /** What was done. */
  public enum Kind {
    /** The device takes no new tenants. */
    DEVICE_OUT,
    /** A tenant is named. */
    BLAME
  }

  public void after(Kind kind, Duration wait) {
    Histogram histogram = waits.get(kind);
    if (histogram != null) {
      histogram.add(wait.isNegative() ? Duration.ZERO : wait);
    }
  }

  /** By what was done. */
  public Map<String, Histogram.Snapshot> all() {
    Map<String, Histogram.Snapshot> all = new TreeMap<>();
    waits.forEach(
        (kind, histogram) -> all.put(kind.name().toLowerCase(Locale.ROOT), histogram.snapshot()));
    return all;
  }
}
