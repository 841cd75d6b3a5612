package dev.aliquot.agent.pool;

import dev.aliquot.agent.view.HostPoolView;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One tenant's chunks: in its processes' hands, and idle: given back and kept for this tenant, for
 * it could have kept a descriptor and read on. None of them is let go of while the tenant lives,
 * not even to make one of another size: so what it really holds never passes its bound either.
 * Guarded by the pool's lock, which may be taken while the tenant's own lock is held and never the
 * other way round.
 *
 * <p>Of the chunks that an earlier agent handed out only the sum in each process's hands is known,
 * and not for which device: they count against the bound of every device, until they are returned
 * or the process is gone.
 */
public final class TenantChunks {
  private final HostPool pool;
  private final String tenant;
  private final Map<Holder, Hand> hands = new HashMap<>();
  private final Map<Kind, Deque<Owned>> idle = new HashMap<>();

  /** By device, those that are being made counted in. */
  private final Map<Integer, Long> ownedBytes = new HashMap<>();

  /** The same, of the largest size only. */
  private final Map<Integer, Long> wholeBytes = new HashMap<>();

  private final Set<Integer> nodes = new HashSet<>();
  private long idleBytes;
  private long earlierBytes;
  private boolean ended;

  private record Kind(int device, long bytes) {}

  TenantChunks(HostPool pool, String tenant) {
    this.pool = pool;
    this.tenant = tenant;
  }

  /** The tenant may borrow on a device next to that node: chunks are made ahead there. */
  public void expect(int node) {
    synchronized (pool) {
      if (!ended && !pool.isClosed() && nodes.add(node)) {
        pool.add(this);
        if (pool.prepared().isWanted()) {
          pool.worker.submit(() -> {});
        }
      }
    }
  }

  /** A process that an earlier agent knew has this much in its hands. */
  public void restore(Holder holder, long bytes) {
    synchronized (pool) {
      if (bytes > 0) {
        pool.add(this);
        Hand hand = hands.computeIfAbsent(holder, ignored -> new Hand());
        setEarlier(hand, bytes);
        hand.restoredBytes = bytes;
      }
    }
  }

  /**
   * Wishes for a chunk. Never waits; the stage completes on the pool's thread or on the caller's.
   *
   * @param device for data of which device, as the tenant numbers them
   * @param node the NUMA node nearest to it
   * @param allowance for that device; a chunk that the tenant has had passes none of it
   * @param bytes as the process said it: any number
   */
  public CompletableFuture<Taken> take(
      Holder holder, int device, int node, Allowance allowance, long bytes) {
    CompletableFuture<Taken> answer = new CompletableFuture<>();
    Taken no;
    synchronized (pool) {
      no = pool.isClosed() ? new Taken.Stopping() : whyNot(bytes);
      if (no == null) {
        no = begin(new Take(this, holder, device, node, bytes, answer), allowance);
      }
    }
    if (no != null) {
      answer.complete(no);
    }
    return answer
        .completeOnTimeout(
            new Taken.Refused("the CUDA driver has made no host chunk in time"),
            pool.patience.toMillis(),
            TimeUnit.MILLISECONDS)
        .thenApply(this::counted);
  }

  /**
   * Wishes for another descriptor of a chunk that is in the process's hands. Never waits. Of the
   * chunks of an earlier agent there is none to be had.
   *
   * @param id as the process said it: any number
   */
  public CompletableFuture<Taken> reopen(Holder holder, long id) {
    CompletableFuture<Taken> answer = new CompletableFuture<>();
    Owned owned = null;
    boolean closed;
    synchronized (pool) {
      Hand hand = hands.get(holder);
      closed = pool.isClosed();
      owned = hand == null ? null : hand.find(id);
      if (owned != null && !closed) {
        Reopen reopen = new Reopen(this, holder, id, owned, answer);
        pool.worker.submit(reopen::export);
      }
    }
    if (closed) {
      answer.complete(new Taken.Stopping());
    } else if (owned == null) {
      answer.complete(
          new Taken.Refused(
              "this process has no chunk %s of this agent's in its hands"
                  .formatted(Long.toUnsignedString(id))));
    }
    return answer
        .completeOnTimeout(
            new Taken.Refused("the CUDA driver has not opened the host chunk again in time"),
            pool.patience.toMillis(),
            TimeUnit.MILLISECONDS)
        .thenApply(this::counted);
  }

  /** Whether a process has the chunk in its hands still: an id is never used twice. */
  boolean has(Holder holder, long id) {
    synchronized (pool) {
      Hand hand = hands.get(holder);
      return hand != null && hand.find(id) != null;
    }
  }

  /** Whoever has the answer sees it counted. */
  private Taken counted(Taken taken) {
    if (taken instanceof Taken.Refused) {
      pool.refusals.increment();
    }
    return taken;
  }

  /** A process lets go of a chunk. An id that is not in its hands changes nothing. */
  public void giveBack(Holder holder, long id) {
    synchronized (pool) {
      Hand hand = hands.get(holder);
      if (hand == null) {
        return;
      }
      Owned owned = hand.remove(id);
      if (owned != null) {
        keep(owned);
      } else {
        setEarlier(hand, Math.max(0, hand.earlierBytes - ChunkId.bytes(id)));
      }
    }
  }

  /** The process is gone, or uses no chunk any more. Does nothing the second time. */
  public void processGone(Holder holder) {
    synchronized (pool) {
      Hand hand = hands.remove(holder);
      if (hand != null) {
        setEarlier(hand, 0);
        hand.all().forEach(this::keep);
      }
    }
  }

  /** What a process has in its hands. */
  public long bytesOf(Holder holder) {
    synchronized (pool) {
      Hand hand = hands.get(holder);
      return hand == null ? 0 : hand.bytes();
    }
  }

  /** All chunks for data of a device that have been made for the tenant: they stay its own. */
  public long ownedBytes(int device) {
    synchronized (pool) {
      return ownedBytes.getOrDefault(device, 0L);
    }
  }

  /** Those of them that have the largest size: a piece of any allocation finds room in one. */
  public long wholeBytes(int device) {
    synchronized (pool) {
      return wholeBytes.getOrDefault(device, 0L);
    }
  }

  /** What has been made for a process, not found, for data of a device. */
  public long madeBytes(Holder holder, int device) {
    synchronized (pool) {
      Hand hand = hands.get(holder);
      return hand == null ? 0 : hand.madeBytes(device);
    }
  }

  /** The tenant's last process is gone: all its chunks are destroyed. */
  public void end() {
    synchronized (pool) {
      if (ended || pool.isClosed()) {
        return;
      }
      ended = true;
      List<ChunkMaker.Chunk> all = chunks();
      hands.values().forEach(hand -> hand.all().forEach(owned -> pool.unreserve(owned.bytes())));
      pool.unreserve(idleBytes);
      pool.countEarlier(-earlierBytes);
      hands.clear();
      idle.clear();
      idleBytes = 0;
      earlierBytes = 0;
      pool.remove(this);
      pool.destroy(all);
    }
  }

  // ---- under the pool's lock

  List<ChunkMaker.Chunk> chunks() {
    List<ChunkMaker.Chunk> all = new ArrayList<>();
    hands.values().forEach(hand -> hand.all().forEach(owned -> all.add(owned.chunk())));
    idle.values().forEach(kind -> kind.forEach(owned -> all.add(owned.chunk())));
    return all;
  }

  Set<Integer> nodes() {
    return nodes;
  }

  HostPoolView.TenantShare view() {
    long taken = hands.values().stream().mapToLong(Hand::bytes).sum();
    return new HostPoolView.TenantShare(tenant, taken, earlierBytes, idleBytes);
  }

  HostPool pool() {
    return pool;
  }

  /**
   * A chunk has been made: into the hand it was made for, else kept. Null: the tenant has ended.
   */
  @Nullable Long arrived(Holder holder, Hand hand, Owned owned) {
    if (ended || pool.isClosed()) {
      failed(hand, owned.device(), owned.bytes());
      return null;
    }
    if (hands.get(holder) != hand) {
      keep(owned);
      return 0L;
    }
    return put(hand, owned);
  }

  /** A chunk has not been made. */
  void failed(Hand hand, int device, long bytes) {
    pool.unreserve(bytes);
    hand.countMade(device, -bytes);
    own(device, -bytes, bytes);
  }

  private @Nullable Taken whyNot(long bytes) {
    if (ended) {
      return new Taken.Refused("this tenant has ended");
    }
    String none = pool.whyNone();
    if (!none.isEmpty()) {
      return new Taken.Refused("this node has no host pool: " + none);
    }
    return bytes > 0 && bytes <= HostPool.MOST_BYTES
        ? null
        : new Taken.Refused(
            "a host chunk has from 1 to "
                + HostPool.MOST_BYTES
                + " bytes, not "
                + Long.toUnsignedString(bytes));
  }

  /** Finds or reserves what is wished for, and has the driver's part done; else says why not. */
  private @Nullable Taken begin(Take take, Allowance allowance) {
    pool.add(this);
    Owned owned = unkeep(new Kind(take.device, take.bytes));
    boolean isNew = owned == null;
    Hand hand = hands.computeIfAbsent(take.holder, ignored -> new Hand());
    boolean renews = false;
    if (isNew) {
      Taken.Refused no = whyNoMore(take, hand, allowance);
      renews = no != null && hand.mayRenew(take.bytes);
      if (no != null && !renews) {
        return no;
      }
      List<ChunkMaker.Chunk> ready = pool.prepared().take(take.node, take.bytes);
      if (ready.isEmpty() && !pool.reserve(take.bytes)) {
        return new Taken.Refused(
            "the host pool is full: %d of %d bytes are made"
                .formatted(pool.totalBytes(), pool.sizeBytes()));
      }
      own(take.device, take.bytes, take.bytes);
      if (!ready.isEmpty()) {
        owned = new Owned(ready.getFirst(), take.device, take.bytes);
      }
    }
    if (renews) {
      hand.renewedBytes += take.bytes;
    } else if (isNew) {
      hand.countMade(take.device, take.bytes);
    }
    if (owned == null) {
      pool.worker.submit(() -> take.make(hand));
    } else {
      Owned found = owned;
      long id = put(hand, found);
      pool.worker.submit(() -> take.export(id, found));
    }
    return null;
  }

  private Taken.@Nullable Refused whyNoMore(Take take, Hand hand, Allowance allowance) {
    long held = ownedBytes.getOrDefault(take.device, 0L) + earlierBytes;
    if (held + take.bytes > allowance.tenantBytes()) {
      return new Taken.Refused(
          "this tenant has %d bytes of host chunks for this device, and may have %d; %d more would be too much"
              .formatted(held, Math.max(0, allowance.tenantBytes()), take.bytes));
    }
    long made = hand.madeBytes(take.device);
    return made + take.bytes <= allowance.madeBytes()
        ? null
        : new Taken.Refused(
            "no more than %d bytes of host chunks are made for this process to give back what is wanted of this device; it has had %d, %d more would be too much"
                .formatted(allowance.madeBytes(), made, take.bytes));
  }

  private void own(int device, long moreBytes, long chunkBytes) {
    ownedBytes.merge(device, moreBytes, Long::sum);
    if (chunkBytes == HostPool.MOST_BYTES) {
      wholeBytes.merge(device, moreBytes, Long::sum);
    }
  }

  private long put(Hand hand, Owned owned) {
    long id = pool.newId(owned.bytes());
    hand.put(id, owned);
    return id;
  }

  private void keep(Owned owned) {
    idle.computeIfAbsent(new Kind(owned.device(), owned.bytes()), ignored -> new ArrayDeque<>())
        .push(owned);
    idleBytes += owned.bytes();
  }

  private @Nullable Owned unkeep(Kind kind) {
    Deque<Owned> fitting = idle.get(kind);
    Owned owned = fitting == null ? null : fitting.poll();
    if (owned != null) {
      idleBytes -= owned.bytes();
    }
    return owned;
  }

  private void setEarlier(Hand hand, long bytes) {
    long change = bytes - hand.earlierBytes;
    hand.earlierBytes = bytes;
    earlierBytes += change;
    pool.countEarlier(change);
  }
}
