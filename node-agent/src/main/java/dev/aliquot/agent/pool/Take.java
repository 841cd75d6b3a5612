package dev.aliquot.agent.pool;

import dev.aliquot.ffm.NativeException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A wish for a chunk that the driver is to fulfil: what is done on the pool's thread. */
final class Take {
  final TenantChunks tenant;
  final Holder holder;
  final int device;
  final int node;
  final long bytes;
  private final CompletableFuture<Taken> answer;

  Take(
      TenantChunks tenant,
      Holder holder,
      int device,
      int node,
      long bytes,
      CompletableFuture<Taken> answer) {
    this.tenant = tenant;
    this.holder = holder;
    this.device = device;
    this.node = node;
    this.bytes = bytes;
    this.answer = answer;
  }

  /** Makes a chunk that has been counted already, and hands it out. */
  void make(Hand hand) {
    HostPool pool = tenant.pool();
    if (answer.isDone()) {
      synchronized (pool) {
        tenant.failed(hand, device, bytes);
      }
      return;
    }
    ChunkMaker.Chunk chunk;
    try {
      chunk = pool.maker.make(node, bytes);
    } catch (NoChunkException e) {
      synchronized (pool) {
        tenant.failed(hand, device, bytes);
      }
      refuse(e.sentence());
      return;
    }
    Owned owned = new Owned(chunk, device, bytes);
    @Nullable Long id;
    synchronized (pool) {
      id = tenant.arrived(holder, hand, owned);
    }
    if (id == null) {
      chunk.close();
      answer.complete(closed() ? new Taken.Stopping() : new Taken.Refused("this tenant has ended"));
    } else if (id == 0) {
      refuse("this process has left its slot");
    } else {
      export(id, owned);
    }
  }

  /** Hands out a chunk that is in the process's hand already. */
  void export(long id, Owned owned) {
    if (answer.isDone() || closed()) {
      tenant.giveBack(holder, id);
      answer.complete(new Taken.Stopping());
      return;
    }
    int descriptor;
    try {
      descriptor = owned.chunk().export();
    } catch (NativeException e) {
      tenant.giveBack(holder, id);
      refuse("a chunk cannot be handed out: " + e.getMessage());
      return;
    }
    if (!answer.complete(new Taken.Given(id, bytes, descriptor))) {
      tenant.pool().closeDescriptor.accept(descriptor);
      tenant.giveBack(holder, id);
    }
  }

  private boolean closed() {
    HostPool pool = tenant.pool();
    synchronized (pool) {
      return pool.isClosed();
    }
  }

  private void refuse(String sentence) {
    answer.complete(new Taken.Refused(sentence));
  }
}
