package dev.aliquot.agent.count;

import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Request;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What tenants say of memory that they moved. Thread-safe. */
public final class Moves {
  /** A tenant says what it likes: more than this in one move is nonsense and does not count. */
  private static final long MOST = 1L << 50;

  /**
   * Moves in one direction.
   *
   * @param bytes moved
   * @param copying time that the copies alone took
   * @param closed time that programs were kept from submitting work
   * @param byOutcome how often each outcome was reported; every outcome is there
   */
  public record Snapshot(
      long bytes, Duration copying, Duration closed, Map<MoveOutcome, Long> byOutcome) {}

  private static final class Direction {
    final LongAdder bytes = new LongAdder();
    final LongAdder copyNanos = new LongAdder();
    final LongAdder closedNanos = new LongAdder();
    final Map<MoveOutcome, LongAdder> outcomes = new EnumMap<>(MoveOutcome.class);

    Direction() {
      for (MoveOutcome outcome : MoveOutcome.values()) {
        outcomes.put(outcome, new LongAdder());
      }
    }

    Snapshot snapshot() {
      Map<MoveOutcome, Long> byOutcome = new EnumMap<>(MoveOutcome.class);
      outcomes.forEach((outcome, count) -> byOutcome.put(outcome, count.sum()));
      return new Snapshot(
          bytes.sum(),
          Duration.ofNanos(copyNanos.sum()),
          Duration.ofNanos(closedNanos.sum()),
          byOutcome);
    }
  }

  private final Direction demoted = new Direction();
  private final Direction promoted = new Direction();

  /** One more. */
  public void add(Request.Moved moved) {
    Direction direction = moved.promoted() ? promoted : demoted;
    direction.bytes.add(plausible(moved.movedBytes()));
    direction.copyNanos.add(plausible(moved.copyNanos()));
    direction.closedNanos.add(plausible(moved.closedNanos()));
    LongAdder count = direction.outcomes.get(moved.outcome());
    if (count != null) {
      count.increment();
    }
  }

  public Snapshot demoted() {
    return demoted.snapshot();
  }

  public Snapshot promoted() {
    return promoted.snapshot();
  }

  private static long plausible(long value) {
    return value < 0 || value > MOST ? 0 : value;
  }
}
