package dev.aliquot.agent.count;

import dev.aliquot.agent.wire.SocketEvents;
import dev.aliquot.agent.wire.Status;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counters that only grow. Thread-safe. */
public final class Counters implements SocketEvents {
  public final LongAdder attaches = new LongAdder();
  public final LongAdder attachNanos = new LongAdder();
  public final LongAdder asks = new LongAdder();
  public final LongAdder grants = new LongAdder();
  public final LongAdder settles = new LongAdder();
  public final LongAdder malformedFrames = new LongAdder();
  public final LongAdder unknownPeers = new LongAdder();
  public final LongAdder idleConnections = new LongAdder();
  public final LongAdder reapedProcesses = new LongAdder();
  public final LongAdder usagePageAnomalies = new LongAdder();
  public final LongAdder samples = new LongAdder();
  public final LongAdder sampleNanos = new LongAdder();
  public final LongAdder sampleFailures = new LongAdder();
  public final TakeBacks takeBacks = new TakeBacks();
  public final Moves moves = new Moves();
  private final Map<Status, LongAdder> refusals = new EnumMap<>(Status.class);

  public Counters() {
    for (Status status : Status.values()) {
      refusals.put(status, new LongAdder());
    }
  }

  /** How often a status was answered. */
  public long refusals(Status status) {
    LongAdder count = refusals.get(status);
    return count == null ? 0 : count.sum();
  }

  @Override
  public void refused(Status status) {
    LongAdder count = refusals.get(status);
    if (count != null) {
      count.increment();
    }
    if (status == Status.NOT_A_TENANT) {
      unknownPeers.increment();
    }
  }

  @Override
  public void malformed() {
    malformedFrames.increment();
  }

  @Override
  public void idle() {
    idleConnections.increment();
  }
}
