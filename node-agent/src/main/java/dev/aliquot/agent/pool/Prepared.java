package dev.aliquot.agent.pool;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Chunks made ahead: a demotion then goes at the bus's speed, which is ten times that of making
 * chunks. Only where a tenant may borrow, so that a node that lends nothing pays nothing. Nobody
 * has had them. Guarded by the pool's lock.
 */
final class Prepared {
  private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(10);

  private final HostPool pool;
  private final long bytesPerNode;
  private final Map<Integer, Deque<ChunkMaker.Chunk>> byNode = new TreeMap<>();
  private long bytes;
  private long pausedSince;
  private boolean paused;

  Prepared(HostPool pool, long bytesPerNode) {
    this.pool = pool;
    this.bytesPerNode = bytesPerNode;
  }

  long bytes() {
    return bytes;
  }

  /** Whether anything is made ahead at all. */
  boolean isWanted() {
    return bytesPerNode >= HostPool.MOST_BYTES && pool.sizeBytes() >= HostPool.MOST_BYTES;
  }

  /** One of that node, for good; none where there is none of that size. */
  List<ChunkMaker.Chunk> take(int node, long wantedBytes) {
    Deque<ChunkMaker.Chunk> chunks = byNode.get(node);
    if (wantedBytes != HostPool.MOST_BYTES || chunks == null || chunks.isEmpty()) {
      return List.of();
    }
    bytes -= HostPool.MOST_BYTES;
    return List.of(chunks.remove());
  }

  /** Any, for good; there must be one. */
  ChunkMaker.Chunk removeAny() {
    bytes -= HostPool.MOST_BYTES;
    return byNode.values().stream()
        .filter(chunks -> !chunks.isEmpty())
        .findFirst()
        .orElseThrow()
        .remove();
  }

  List<ChunkMaker.Chunk> removeAll() {
    List<ChunkMaker.Chunk> all = new ArrayList<>();
    byNode.values().forEach(all::addAll);
    byNode.clear();
    bytes = 0;
    return all;
  }

  /** On the pool's thread: makes one where one is wanted; whether it did. */
  boolean prepareOne() {
    int node;
    synchronized (pool) {
      dropUnwanted();
      if (pool.worker.hasJobs()) {
        // What is counted no more may be among those that these destroy.
        return true;
      }
      OptionalInt next = next();
      if (next.isEmpty() || !pool.reserveSpare(HostPool.MOST_BYTES)) {
        return false;
      }
      node = next.getAsInt();
    }
    try {
      ChunkMaker.Chunk chunk = pool.maker.make(node, HostPool.MOST_BYTES);
      synchronized (pool) {
        if (pool.isClosed()) {
          pool.unreserve(HostPool.MOST_BYTES);
          pool.destroy(List.of(chunk));
        } else {
          byNode.computeIfAbsent(node, ignored -> new ArrayDeque<>()).add(chunk);
          bytes += HostPool.MOST_BYTES;
        }
      }
      return true;
    } catch (NoChunkException e) {
      synchronized (pool) {
        pool.unreserve(HostPool.MOST_BYTES);
        paused = true;
        pausedSince = System.nanoTime();
      }
      return false;
    }
  }

  private void dropUnwanted() {
    for (int node : List.copyOf(byNode.keySet())) {
      if (!pool.wantedNodes().contains(node)) {
        Deque<ChunkMaker.Chunk> chunks = byNode.get(node);
        if (chunks != null) {
          byNode.remove(node);
          long gone = chunks.size() * HostPool.MOST_BYTES;
          bytes -= gone;
          pool.unreserve(gone);
          pool.destroy(List.copyOf(chunks));
        }
      }
    }
  }

  private OptionalInt next() {
    if (paused && System.nanoTime() - pausedSince < PAUSE_AFTER_FAILURE.toNanos()) {
      return OptionalInt.empty();
    }
    paused = false;
    if (pool.isClosed() || !isWanted() || !pool.whyNone().isEmpty()) {
      return OptionalInt.empty();
    }
    return pool.wantedNodes().stream()
        .mapToInt(node -> node)
        .filter(node -> (count(node) + 1) * HostPool.MOST_BYTES <= bytesPerNode)
        .findFirst();
  }

  private long count(int node) {
    Deque<ChunkMaker.Chunk> chunks = byNode.get(node);
    return chunks == null ? 0 : chunks.size();
  }
}
