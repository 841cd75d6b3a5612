package dev.aliquot.agent.history;

import dev.aliquot.agent.view.HistoryView;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The last hour of every device, one point for each slot of 5 s. Slots are counted by a clock that
 * never jumps; a slot in which nobody looked is a gap, never a zero. Thread-safe.
 */
public final class History {
  /** Of time that one point stands for. */
  public static final Duration STEP = Duration.ofSeconds(5);

  /** As many as an hour has. */
  public static final int POINTS = (int) (Duration.ofHours(1).toNanos() / STEP.toNanos());

  private final List<Series> series;
  private final LongSupplier nanos;
  private final InstantSource clock;
  private final long began;
  private long current;

  /**
   * Begins now, with nothing known.
   *
   * @param nanos a clock that never jumps, such as System::nanoTime
   * @param clock what time it is, for those who look at it
   */
  public History(List<Gauge> gauges, LongSupplier nanos, InstantSource clock) {
    this.series = gauges.stream().map(gauge -> new Series(gauge, POINTS)).toList();
    this.nanos = nanos;
    this.clock = clock;
    this.began = nanos.getAsLong();
  }

  /** Looks at every device; to be called more often than every 5 s. */
  public synchronized void tick() {
    advance();
    series.forEach(Series::look);
  }

  private void advance() {
    long now = (nanos.getAsLong() - began) / STEP.toNanos();
    if (now <= current) {
      return;
    }
    for (Series each : series) {
      each.complete(current);
      for (long slot = Math.max(current + 1, now - POINTS); slot < now; slot++) {
        each.missed(slot);
      }
    }
    current = now;
  }

  /** The slot that ended last; null in the first 5 s. */
  public synchronized HistoryView.@Nullable Point latest() {
    advance();
    long last = current - 1;
    return last < 0
        ? null
        : new HistoryView.Point(last, series.stream().map(each -> each.point(last)).toList());
  }

  /** All slots that have ended and are kept, the oldest first. */
  public synchronized HistoryView view() {
    advance();
    long last = current - 1;
    long first = Math.max(0, current - POINTS);
    Duration sinceEnd = Duration.ofNanos(nanos.getAsLong() - began - current * STEP.toNanos());
    Instant end = clock.instant().minus(sinceEnd);
    return new HistoryView(
        end,
        (int) STEP.toSeconds(),
        POINTS,
        last,
        series.stream().map(each -> each.past(first, last)).toList());
  }
}
