package dev.aliquot.agent.count;

import dev.aliquot.agent.wire.SocketEvents;
import dev.aliquot.agent.wire.Status;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;

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

  /** How often a process has said that it is out. */
  public final LongAdder swapOuts = new LongAdder();

  /** How often the contexts of a process have left its devices, failed to, and come back. */
  public final LongAdder dives = new LongAdder();

  public final LongAdder diveFailures = new LongAdder();
  public final LongAdder rises = new LongAdder();

  /** Processes that the driver did not let go on. */
  public final LongAdder lostProcesses = new LongAdder();

  /** How long processes that were swapped out waited to run again. */
  public final Histogram returns = new Histogram();

  public final TakeBacks takeBacks = new TakeBacks();
  public final Moves moves = new Moves();
  public final FaultCounts faults = new FaultCounts();
  public final FaultReactions faultReactions = new FaultReactions();
  private final Map<String, LongAdder> bypassFindings =
      adders("unattached", "underreporting", "stranger");
  private final Map<String, LongAdder> bypassActions =
      adders("suspended", "released", "stopping", "killed", "failed");
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

  /** A process found, by what is wrong with what it holds. */
  public void bypassFound(String kind) {
    increment(bypassFindings, kind);
  }

  /** Something done about one, by what. */
  public void bypassAction(String what) {
    increment(bypassActions, what);
  }

  public Map<String, Long> bypassFindings() {
    return sums(bypassFindings);
  }

  public Map<String, Long> bypassActions() {
    return sums(bypassActions);
  }

  private static Map<String, LongAdder> adders(String... names) {
    return Arrays.stream(names).collect(Collectors.toMap(name -> name, name -> new LongAdder()));
  }

  private static void increment(Map<String, LongAdder> counts, String name) {
    LongAdder count = counts.get(name);
    if (count != null) {
      count.increment();
    }
  }

  private static Map<String, Long> sums(Map<String, LongAdder> counts) {
    Map<String, Long> sums = new TreeMap<>();
    counts.forEach((name, count) -> sums.put(name, count.sum()));
    return sums;
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
