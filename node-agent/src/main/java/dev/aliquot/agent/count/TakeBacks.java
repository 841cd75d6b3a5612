package dev.aliquot.agent.count;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/** How long asks waited for memory that others had, by what had to be done for it. Thread-safe. */
public final class TakeBacks {

  /** What had to be done, the dearest of it. */
  public enum Cause {
    /** Credit that nobody used was taken back. */
    UNUSED_CREDIT,
    /** Lent memory was taken back from whoever used it. */
    LOAN,
    /** The same, in vain. */
    STUCK
  }

  private final Map<Cause, Histogram> waits = new EnumMap<>(Cause.class);

  public TakeBacks() {
    for (Cause cause : Cause.values()) {
      waits.put(cause, new Histogram());
    }
  }

  /** One more. */
  public void add(Cause cause, Duration waited) {
    Histogram histogram = waits.get(cause);
    if (histogram != null) {
      histogram.add(waited);
    }
  }

  /** All as they are now; every cause is there. */
  public Map<Cause, Histogram.Snapshot> snapshot() {
    Map<Cause, Histogram.Snapshot> all = new EnumMap<>(Cause.class);
    waits.forEach((cause, histogram) -> all.put(cause, histogram.snapshot()));
    return all;
  }
}
