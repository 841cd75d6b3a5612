package dev.aliquot.agent.tenant;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.NumaNodes;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.share.Budget;
import dev.aliquot.agent.state.TenantRecords;
import java.util.function.LongSupplier;

/**
 * What every tenant shares.
 *
 * @param arrivals told of each process that attaches
 * @param shared the descriptors that all their shares may take
 * @param monotonic CLOCK_MONOTONIC in nanoseconds
 */
public record TenantContext(
    ProcFs proc,
    ProcessWatcher watcher,
    TenantRecords records,
    Counters counters,
    HostPool pool,
    NumaNodes numaNodes,
    Residencies residencies,
    DeepContext deep,
    Arrivals arrivals,
    PodContainers podContainers,
    Budget shared,
    LongSupplier monotonic) {}
