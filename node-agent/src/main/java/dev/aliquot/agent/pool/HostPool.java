package dev.aliquot.agent.pool;

import dev.aliquot.agent.view.HostPoolView;
import dev.aliquot.linux.Descriptors;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntConsumer;

/**
 * All of the node's host chunks and their bounds. Every driver call is made by one thread of its
 * own, in order; the pool's lock, which guards the tenants' accounts too, is never held meanwhile,
 * so that nobody but who wants a chunk waits for the driver. Thread-safe.
 *
 * <p>Invariants: the chunks that live never take more than the pool's size, those that an earlier
 * agent handed out and that are still held counted in; a chunk leaves the pool for one tenant and
 * is never given to another.
 */
public final class HostPool implements AutoCloseable {
  /** The largest chunk, and the size of those made ahead. */
  public static final long MOST_BYTES = 64L << 20;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  final Maker maker;
  final PoolWorker worker;
  final IntConsumer closeDescriptor;

  /** How long one who wants a chunk waits for the driver. */
  final Duration patience;

  final LongAdder refusals = new LongAdder();
  private final PoolBounds bounds;
  private final Prepared prepared;
  private final Set<TenantChunks> tenants = new LinkedHashSet<>();
  private long ownBytes;
  private long earlierBytes;
  private long nextNumber;
  private boolean closed;

  /**
   * @param epoch another, larger one at every start of the agent, such as milliseconds: chunks of
   *     two agents must not have the same name
   */
  public HostPool(
      PoolBounds bounds, HostMemory.Reader memory, ChunkMaker.Opener opener, long epoch) {
    this(bounds, memory, opener, epoch, PATIENCE, Descriptors::close);
  }

  HostPool(
      PoolBounds bounds,
      HostMemory.Reader memory,
      ChunkMaker.Opener opener,
      long epoch,
      Duration patience,
      IntConsumer closeDescriptor) {
    this.bounds = bounds;
    this.maker = new Maker(opener, memory, bounds.reserveBytes());
    this.prepared = new Prepared(this, bounds.preparedBytes());
    this.worker = new PoolWorker(prepared::prepareOne);
    this.patience = patience;
    this.closeDescriptor = closeDescriptor;
    this.nextNumber = epoch << 7;
  }

  /** The account of a new tenant, or of one that an earlier agent had. */
  public TenantChunks open(String tenant) {
    return new TenantChunks(this, tenant);
  }

  /** As things are now. Never waits for the driver. */
  public synchronized HostPoolView view() {
    List<HostPoolView.TenantShare> shares = new ArrayList<>();
    long taken = 0;
    long idle = 0;
    for (TenantChunks tenant : tenants) {
      HostPoolView.TenantShare share = tenant.view();
      shares.add(share);
      taken += share.takenBytes();
      idle += share.idleBytes();
    }
    String why = whyNone();
    return new HostPoolView(
        why.isEmpty(),
        why.isEmpty() ? maker.failure() : why,
        bounds.sizeBytes(),
        bounds.reserveBytes(),
        totalBytes(),
        prepared.bytes(),
        taken,
        idle,
        refusals.sum(),
        List.copyOf(shares));
  }

  /**
   * What could still be moved into it, by whomever; 0 where there is no pool. Chunks that a tenant
   * has had are no longer anybody else's.
   */
  public synchronized long freeBytes() {
    if (!whyNone().isEmpty()) {
      return 0;
    }
    long taken = 0;
    for (TenantChunks tenant : tenants) {
      taken += tenant.view().takenBytes() + tenant.view().idleBytes();
    }
    return Math.max(0, bounds.sizeBytes() - taken);
  }

  /**
   * Lets go of every chunk. Those in tenants' hands live on there, and stay counted in the tenants'
   * pages for the next agent.
   */
  @Override
  public void close() {
    List<ChunkMaker.Chunk> all = new ArrayList<>();
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      tenants.forEach(tenant -> all.addAll(tenant.chunks()));
      all.addAll(prepared.removeAll());
    }
    destroy(all);
    worker.close();
  }

  // ---- for the tenants' accounts, under the pool's lock

  boolean isClosed() {
    return closed;
  }

  void add(TenantChunks tenant) {
    tenants.add(tenant);
  }

  void remove(TenantChunks tenant) {
    tenants.remove(tenant);
  }

  /** The nodes next to devices on which somebody may borrow. */
  Set<Integer> wantedNodes() {
    Set<Integer> nodes = new LinkedHashSet<>();
    tenants.forEach(tenant -> nodes.addAll(tenant.nodes()));
    return nodes;
  }

  Prepared prepared() {
    return prepared;
  }

  /** Why nobody can have a chunk; empty when one can be asked for. */
  String whyNone() {
    if (bounds.sizeBytes() == 0) {
      return "host-pool-size is 0";
    }
    Duration busy = worker.busyFor();
    return busy.compareTo(patience) > 0
        ? "the CUDA driver has not come back for " + busy.toSeconds() + " s"
        : maker.unavailable();
  }

  /**
   * Counts a chunk that is about to be made; for it, chunks made ahead may have to go.
   *
   * @return whether there is room for it
   */
  boolean reserve(long bytes) {
    List<ChunkMaker.Chunk> surplus = new ArrayList<>();
    while (totalBytes() + bytes > bounds.sizeBytes()
        && totalBytes() + bytes - prepared.bytes() <= bounds.sizeBytes()) {
      surplus.add(prepared.removeAny());
      ownBytes -= MOST_BYTES;
    }
    destroy(surplus);
    return reserveSpare(bytes);
  }

  /** As {@link #reserve}, without giving up anything for it. */
  boolean reserveSpare(long bytes) {
    if (totalBytes() + bytes > bounds.sizeBytes()) {
      return false;
    }
    ownBytes += bytes;
    return true;
  }

  /** Counts a chunk no more: it was not made, or will be destroyed before any other is made. */
  void unreserve(long bytes) {
    ownBytes -= bytes;
  }

  void countEarlier(long bytes) {
    earlierBytes += bytes;
  }

  long totalBytes() {
    return ownBytes + earlierBytes;
  }

  long sizeBytes() {
    return bounds.sizeBytes();
  }

  long newId(long bytes) {
    return ChunkId.of(nextNumber++, bytes);
  }

  /** Has chunks destroyed, each on its own, before anything that is asked for later. */
  void destroy(List<ChunkMaker.Chunk> chunks) {
    chunks.forEach(chunk -> worker.submit(chunk::close));
  }
}
