package dev.aliquot.plugin.count;

import java.time.Duration;
import java.util.List;

/**
 * How long the kubelet stood still for Allocate.
 *
 * @param counts calls by {@link #BOUNDS}, each bucket without those before it; one more at the end
 *     for what took longer than all bounds
 * @param sum of all calls
 * @param longest of all calls
 */
public record AllocateTimes(List<Long> counts, Duration sum, Duration longest) {
  /** Upper ends of the buckets. */
  public static final List<Duration> BOUNDS =
      List.of(
          Duration.ofMillis(1),
          Duration.ofMillis(2),
          Duration.ofMillis(5),
          Duration.ofMillis(10),
          Duration.ofMillis(20),
          Duration.ofMillis(50),
          Duration.ofMillis(100),
          Duration.ofSeconds(1));

  static int bucketOf(Duration time) {
    int bucket = 0;
    while (bucket < BOUNDS.size() && time.compareTo(BOUNDS.get(bucket)) > 0) {
      bucket++;
    }
    return bucket;
  }
}
