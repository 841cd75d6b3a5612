package dev.aliquot.agent.support;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.deep.DeepDriver;
import dev.aliquot.agent.pool.HostMemory;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.NumaNodes;
import dev.aliquot.agent.pool.PoolBounds;
import dev.aliquot.agent.process.MemoryRoom;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.share.Budget;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.state.TenantRecords;
import dev.aliquot.agent.tenant.Arrivals;
import dev.aliquot.agent.tenant.DeepContext;
import dev.aliquot.agent.tenant.PodContainers;
import dev.aliquot.agent.tenant.Residencies;
import dev.aliquot.agent.tenant.SwapOptions;
import dev.aliquot.agent.tenant.TenantContext;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** What an agent's tenants share, for tests without an agent. */
public final class Contexts {
  private Contexts() {}

  /** With a host pool that has nothing. */
  public static TenantContext withoutPool(
      StateDir state, ProcFs proc, ProcessWatcher watcher, Counters counters) {
    return new TenantContext(
        proc,
        watcher,
        new TenantRecords(state.registry()),
        counters,
        new HostPool(
            new PoolBounds(0, 0, 0),
            () -> new HostMemory(0, 0),
            () -> {
              throw new IllegalStateException("nobody needs a chunk");
            },
            1),
        NumaNodes.system(),
        new Residencies(SwapOptions.DEFAULTS.rules(), System::nanoTime),
        new DeepContext(
            new DeepDriver(
                Path.of("/none/libcuda.so.1"),
                proc,
                new MemoryRoom(Path.of("/proc"), Path.of("/sys/fs/cgroup")),
                Duration.ofSeconds(1)),
            device -> CompletableFuture.completedFuture(null),
            null),
        new Arrivals(),
        new PodContainers(state.pods()),
        new Budget(1000),
        System::nanoTime);
  }
}
