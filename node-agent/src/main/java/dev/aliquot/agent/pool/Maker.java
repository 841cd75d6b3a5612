package dev.aliquot.agent.pool;

import dev.aliquot.ffm.NativeException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes chunks as long as the machine has memory to spare. The driver is opened at the first need
 * and only once: where it cannot be, there is no pool until the next agent. Used by the pool's
 * thread; what was wrong can be asked for by any.
 */
final class Maker {
  private static final Logger LOG = LoggerFactory.getLogger(Maker.class);

  private final ChunkMaker.Opener opener;
  private final HostMemory.Reader memory;
  private final long reserveBytes;
  private @Nullable ChunkMaker driver;
  private volatile String unavailable = "";
  private volatile String failure = "";

  Maker(ChunkMaker.Opener opener, HostMemory.Reader memory, long reserveBytes) {
    this.opener = opener;
    this.memory = memory;
    this.reserveBytes = reserveBytes;
  }

  /** Why there will be no chunk from this agent; empty as long as there may be one. */
  String unavailable() {
    return unavailable;
  }

  /** Why the last chunk was not made; empty when it was. */
  String failure() {
    return failure;
  }

  ChunkMaker.Chunk make(int node, long bytes) throws NoChunkException {
    try {
      ChunkMaker open = open();
      check(open.granularityBytes(node), bytes);
      checkMemory(bytes);
      ChunkMaker.Chunk chunk = open.make(node, bytes);
      failure = "";
      return chunk;
    } catch (NativeException e) {
      failure = "a chunk cannot be made: " + e.getMessage();
      throw new NoChunkException(failure);
    }
  }

  private ChunkMaker open() throws NoChunkException {
    if (driver == null && unavailable.isEmpty()) {
      try {
        driver = opener.open();
      } catch (NativeException | LinkageError e) {
        unavailable = "the CUDA driver cannot be opened: " + e.getMessage();
        LOG.warn("there is no host pool: {}", unavailable);
      }
    }
    if (driver == null) {
      throw new NoChunkException(unavailable);
    }
    return driver;
  }

  private static void check(long granularityBytes, long bytes) throws NoChunkException {
    if (bytes % granularityBytes != 0) {
      throw new NoChunkException(
          "a host chunk is a multiple of "
              + granularityBytes
              + " bytes, which "
              + bytes
              + " is not");
    }
  }

  private void checkMemory(long bytes) throws NoChunkException {
    try {
      HostMemory now = memory.read();
      if (now.availableBytes() - bytes < reserveBytes) {
        failure =
            "the machine has "
                + now.availableBytes()
                + " bytes of memory available, of which "
                + reserveBytes
                + " are kept back (host-pool-reserve)";
        throw new NoChunkException(failure);
      }
    } catch (IOException e) {
      failure = "the machine's memory cannot be read: " + e.getMessage();
      throw new NoChunkException(failure);
    }
  }
}
