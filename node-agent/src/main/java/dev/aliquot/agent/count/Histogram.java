package dev.aliquot.agent.count;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/** Durations by size. Thread-safe. */
public final class Histogram {
  private static final List<Duration> BOUNDS =
      List.of(
          Duration.ofMillis(1),
          Duration.ofMillis(2),
          Duration.ofMillis(5),
          Duration.ofMillis(10),
          Duration.ofMillis(25),
          Duration.ofMillis(100),
          Duration.ofMillis(250),
          Duration.ofSeconds(1),
          Duration.ofSeconds(5),
          Duration.ofSeconds(30));

  private final List<LongAdder> counts = new ArrayList<>();
  private final LongAdder sumNanos = new LongAdder();

  public Histogram() {
    for (int i = 0; i <= BOUNDS.size(); i++) {
      counts.add(new LongAdder());
    }
  }

  /**
   * A histogram at one moment.
   *
   * @param bounds upper bounds; what is longer than the last is only in the count
   * @param upTo how many were not longer than each bound
   * @param count how many there were
   * @param sum all of them together
   */
  public record Snapshot(List<Duration> bounds, List<Long> upTo, long count, Duration sum) {}

  /** One more. */
  public void add(Duration duration) {
    int bucket = 0;
    while (bucket < BOUNDS.size() && duration.compareTo(BOUNDS.get(bucket)) > 0) {
      bucket++;
    }
    counts.get(bucket).increment();
    sumNanos.add(duration.toNanos());
  }

  /** As it is now. */
  public Snapshot snapshot() {
    List<Long> upTo = new ArrayList<>();
    long count = 0;
    for (int i = 0; i < BOUNDS.size(); i++) {
      count += counts.get(i).sum();
      upTo.add(count);
    }
    return new Snapshot(
        BOUNDS, upTo, count + counts.get(BOUNDS.size()).sum(), Duration.ofNanos(sumNanos.sum()));
  }
}
