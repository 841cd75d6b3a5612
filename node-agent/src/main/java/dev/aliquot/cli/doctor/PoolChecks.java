package dev.aliquot.cli.doctor;

import dev.aliquot.agent.pool.HostMemory;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.PoolBounds;
import dev.aliquot.agent.pool.PoolOptions;
import dev.aliquot.cuda.ChunkPlace;
import dev.aliquot.cuda.CudaChunk;
import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.linux.Descriptors;
import java.io.IOException;

/** Whether lent device memory can be moved to host memory here. */
final class PoolChecks {
  private static final String SUBJECT = "host pool";
  private static final long MIB = 1L << 20;

  private PoolChecks() {}

  /** Makes one chunk, the smallest, and hands it out to itself. */
  static Finding finding(CudaDriver driver) {
    try {
      HostMemory memory = HostMemory.system();
      PoolBounds bounds = PoolOptions.DEFAULTS.on(memory);
      ChunkPlace place = ChunkPlace.hostNuma(0);
      try (CudaChunk chunk = driver.createChunk(place, driver.granularityBytes(place))) {
        Descriptors.close(chunk.exportDescriptor());
      }
      return memory.availableBytes() - HostPool.MOST_BYTES < bounds.reserveBytes()
          ? Finding.lack(
              SUBJECT,
              "%d MiB of memory are available, and %d MiB are kept back"
                  .formatted(memory.availableBytes() / MIB, bounds.reserveBytes() / MIB),
              "lent device memory cannot be moved out of the way; free memory or lower"
                  + " host-pool-reserve")
          : Finding.ok(
              SUBJECT,
              "chunks can be made; an agent started now would have %d MiB and keep %d MiB of the machine's memory back"
                  .formatted(bounds.sizeBytes() / MIB, bounds.reserveBytes() / MIB));
    } catch (NativeException | IOException e) {
      return lack(String.valueOf(e.getMessage()));
    }
  }

  /** Without a driver. */
  static Finding lack(String reason) {
    return Finding.lack(
        SUBJECT,
        reason,
        "lent device memory cannot be moved out of the way: tenants keep to their requests");
  }
}
