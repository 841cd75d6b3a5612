package dev.aliquot.agent.pool;

/**
 * What makes pinned host memory. Called by the pool's own thread only: a call may take long, or
 * never come back. A failed call throws {@link dev.aliquot.ffm.NativeException} with its reason.
 */
public interface ChunkMaker {

  /** The unit of a chunk's size on a NUMA node. */
  long granularityBytes(int node);

  /** A chunk of pinned memory on a NUMA node, zeroed, that nobody else has. */
  Chunk make(int node, long bytes);

  /** Memory that lives until this is closed and every descriptor and mapping of it is gone. */
  interface Chunk extends AutoCloseable {

    /** A new descriptor of it, which the caller closes. */
    int export();

    @Override
    void close();
  }

  /** Makes the maker: opens the driver. Called once, on the pool's own thread. */
  interface Opener {
    ChunkMaker open();
  }
}
