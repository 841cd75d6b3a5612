package dev.aliquot.agent.pool;

import dev.aliquot.cuda.ChunkPlace;
import dev.aliquot.cuda.CudaChunk;
import dev.aliquot.cuda.CudaDriver;
import java.nio.file.Path;

/** Chunks made by the CUDA driver, without a context and so without device memory. */
public final class CudaChunkMaker implements ChunkMaker {
  private final CudaDriver driver;

  private CudaChunkMaker(CudaDriver driver) {
    this.driver = driver;
  }

  /** Opens the driver when asked for: that costs memory and time. */
  public static Opener opener(Path library) {
    return () -> new CudaChunkMaker(CudaDriver.open(library));
  }

  @Override
  public long granularityBytes(int node) {
    return driver.granularityBytes(ChunkPlace.hostNuma(node));
  }

  @Override
  public Chunk make(int node, long bytes) {
    CudaChunk chunk = driver.createChunk(ChunkPlace.hostNuma(node), bytes);
    return new Chunk() {
      @Override
      public int export() {
        return chunk.exportDescriptor();
      }

      @Override
      public void close() {
        chunk.close();
      }
    };
  }
}
