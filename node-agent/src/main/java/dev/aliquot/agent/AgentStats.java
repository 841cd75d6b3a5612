package dev.aliquot.agent;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.count.Histogram;
import dev.aliquot.agent.count.Moves;
import dev.aliquot.agent.count.TakeBacks;
import dev.aliquot.agent.wire.Status;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What the agent has done since it started: counters that only grow.
 *
 * @param attaches HELLOs answered with WELCOME
 * @param attachTime spent on them, in all
 * @param asks ASK frames
 * @param grants ASK frames answered with GRANTED
 * @param settles SETTLE frames
 * @param refusalsByStatus REFUSED answers by status, lower case as in {@code limit}, {@code
 *     not_a_tenant}; every status is there
 * @param takeBacks how long asks waited for memory that others had, by cause
 * @param swapOuts how often a process was swapped out
 * @param dives how often the contexts of a process have left its devices
 * @param diveFailures how often they were to, and stayed
 * @param rises how often they have come back
 * @param lostProcesses those that the driver did not let go on
 * @param returns how long processes that were swapped out waited to run again
 * @param demoted what tenants moved to host memory
 * @param promoted what they moved back
 * @param malformedFrames frames that could not be read
 * @param unknownPeers connections by processes that are no tenant's
 * @param idleConnections connections closed because nothing came in time
 * @param reapedProcesses slots taken back because their process was gone
 * @param usagePageAnomalies impossible values seen in usage pages
 * @param samples ground-truth readings of one device
 * @param sampleTime spent on them, in all
 * @param sampleFailures readings that failed or timed out
 * @param bypassFindings processes found, by what was wrong with what they held
 * @param bypassActions what was done about them: suspended, released, stopping, killed, failed
 * @param faults of devices and of programs on them
 * @param faultReactions how long after a fault was written something was done about it, by what
 */
public record AgentStats(
    long attaches,
    Duration attachTime,
    long asks,
    long grants,
    long settles,
    Map<String, Long> refusalsByStatus,
    Map<TakeBacks.Cause, Histogram.Snapshot> takeBacks,
    long swapOuts,
    long dives,
    long diveFailures,
    long rises,
    long lostProcesses,
    Histogram.Snapshot returns,
    Moves.Snapshot demoted,
    Moves.Snapshot promoted,
    long malformedFrames,
    long unknownPeers,
    long idleConnections,
    long reapedProcesses,
    long usagePageAnomalies,
    long samples,
    Duration sampleTime,
    long sampleFailures,
    Map<String, Long> bypassFindings,
    Map<String, Long> bypassActions,
    Map<FaultCounts.Kind, Long> faults,
    Map<String, Histogram.Snapshot> faultReactions) {

  /** The counters as they are now. */
  static AgentStats of(Counters counters) {
    Map<String, Long> refusals = new LinkedHashMap<>();
    for (Status status : Status.values()) {
      refusals.put(status.name().toLowerCase(Locale.ROOT), counters.refusals(status));
    }
    return new AgentStats(
        counters.attaches.sum(),
        Duration.ofNanos(counters.attachNanos.sum()),
        counters.asks.sum(),
        counters.grants.sum(),
        counters.settles.sum(),
        refusals,
        counters.takeBacks.snapshot(),
        counters.swapOuts.sum(),
        counters.dives.sum(),
        counters.diveFailures.sum(),
        counters.rises.sum(),
        counters.lostProcesses.sum(),
        counters.returns.snapshot(),
        counters.moves.demoted(),
        counters.moves.promoted(),
        counters.malformedFrames.sum(),
        counters.unknownPeers.sum(),
        counters.idleConnections.sum(),
        counters.reapedProcesses.sum(),
        counters.usagePageAnomalies.sum(),
        counters.samples.sum(),
        Duration.ofNanos(counters.sampleNanos.sum()),
        counters.sampleFailures.sum(),
        counters.bypassFindings(),
        counters.bypassActions(),
        counters.faults.all(),
        counters.faultReactions.all());
  }
}
