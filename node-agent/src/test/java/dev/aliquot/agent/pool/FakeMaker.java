package dev.aliquot.agent.pool;

import dev.aliquot.ffm.LibraryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Chunks that are numbers; knows which live, where, and whose descriptors are open. */
final class FakeMaker implements ChunkMaker, ChunkMaker.Opener {
  static final long GRANULARITY = 2L << 20;

  /** By descriptor: the chunk. Descriptors are never used twice. */
  private final Map<Integer, Integer> descriptors = new TreeMap<>();

  private final Set<Integer> open = new TreeSet<>();
  private final Map<Integer, Long> living = new TreeMap<>();
  private final List<Integer> nodes = new ArrayList<>();
  private int chunks;
  private int exported = 1000;
  private long liveBytes;
  private long mostBytes;
  private int opened;
  @Nullable String refusal;
  @Nullable String openFailure;
  @Nullable CountDownLatch hang;
  @Nullable CountDownLatch hangExport;

  @Override
  public synchronized ChunkMaker open() {
    opened++;
    if (openFailure != null) {
      throw new LibraryException(Path.of("/none/libcuda.so.1"), openFailure);
    }
    return this;
  }

  @Override
  public long granularityBytes(int node) {
    return GRANULARITY;
  }

  @Override
  public Chunk make(int node, long bytes) {
    await(hang);
    return make(bytes, node);
  }

  private static void await(@Nullable CountDownLatch latch) {
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized Chunk make(long bytes, int node) {
    if (refusal != null) {
      throw new LibraryException(Path.of("/libcuda.so.1"), refusal);
    }
    int chunk = ++chunks;
    nodes.add(node);
    living.put(chunk, bytes);
    liveBytes += bytes;
    mostBytes = Math.max(mostBytes, liveBytes);
    return new Chunk() {
      @Override
      public int export() {
        await(hangExport);
        return FakeMaker.this.export(chunk);
      }

      @Override
      public void close() {
        FakeMaker.this.close(chunk);
      }
    };
  }

  private synchronized int export(int chunk) {
    if (!living.containsKey(chunk)) {
      throw new IllegalStateException("chunk " + chunk + " is handed out after its end");
    }
    descriptors.put(++exported, chunk);
    open.add(exported);
    return exported;
  }

  private synchronized void close(int chunk) {
    Long bytes = living.remove(chunk);
    if (bytes == null) {
      throw new IllegalStateException("chunk " + chunk + " is destroyed twice");
    }
    liveBytes -= bytes;
  }

  synchronized void closeDescriptor(int descriptor) {
    if (!open.remove(descriptor)) {
      throw new IllegalStateException("descriptor " + descriptor + " is not open");
    }
  }

  synchronized int chunkOf(int descriptor) {
    return descriptors.getOrDefault(descriptor, -1);
  }

  synchronized boolean isAlive(int chunk) {
    return living.containsKey(chunk);
  }

  synchronized int timesExported() {
    return descriptors.size();
  }

  synchronized int openDescriptors() {
    return open.size();
  }

  synchronized long liveBytes() {
    return liveBytes;
  }

  /** The most that ever lived at once. */
  synchronized long mostBytes() {
    return mostBytes;
  }

  synchronized List<Integer> nodes() {
    return List.copyOf(nodes);
  }

  synchronized int timesOpened() {
    return opened;
  }
}
