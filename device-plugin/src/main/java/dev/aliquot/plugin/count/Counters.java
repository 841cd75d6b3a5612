package dev.aliquot.plugin.count;

import dev.aliquot.plugin.ledger.Wait;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Counts what the plugin does. Thread-safe, never blocks. */
public final class Counters {
  private final Map<Count, LongAdder> counts = new EnumMap<>(Count.class);
  private final Map<Wait, LongAdder> waits = new EnumMap<>(Wait.class);
  private final AtomicLongArray buckets = new AtomicLongArray(AllocateTimes.BOUNDS.size() + 1);
  private final LongAdder sumNanos = new LongAdder();
  private final LongAccumulator maxNanos = new LongAccumulator(Math::max, 0);

  /** All at 0. */
  public Counters() {
    for (Count count : Count.values()) {
      counts.put(count, new LongAdder());
    }
    for (Wait wait : Wait.values()) {
      waits.put(wait, new LongAdder());
    }
  }

  /** One more. */
  public void add(Count count) {
    add(count, 1);
  }

  /** So many more. */
  public void add(Count count, long more) {
    LongAdder adder = counts.get(count);
    if (adder != null) {
      adder.add(more);
    }
  }

  /** One more start that has to wait. */
  public void waited(Wait why) {
    LongAdder adder = waits.get(why);
    if (adder != null) {
      adder.increment();
    }
  }

  /** How long the kubelet stood still for one Allocate. */
  public void allocateTook(Duration time) {
    buckets.incrementAndGet(AllocateTimes.bucketOf(time));
    sumNanos.add(time.toNanos());
    maxNanos.accumulate(time.toNanos());
  }

  /** What has been counted up to now. */
  public Figures figures() {
    Map<Count, Long> counted = new EnumMap<>(Count.class);
    counts.forEach((count, adder) -> counted.put(count, adder.sum()));
    Map<Wait, Long> waited = new EnumMap<>(Wait.class);
    waits.forEach((wait, adder) -> waited.put(wait, adder.sum()));
    long[] inBuckets = new long[buckets.length()];
    for (int i = 0; i < inBuckets.length; i++) {
      inBuckets[i] = buckets.get(i);
    }
    return new Figures(
        Map.copyOf(counted),
        Map.copyOf(waited),
        new AllocateTimes(
            java.util.Arrays.stream(inBuckets).boxed().toList(),
            Duration.ofNanos(sumNanos.sum()),
            Duration.ofNanos(maxNanos.get())));
  }
}
