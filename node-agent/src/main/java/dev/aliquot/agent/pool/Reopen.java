package dev.aliquot.agent.pool;

import dev.aliquot.ffm.NativeException;
import java.util.concurrent.CompletableFuture;

/**
 * A wish for another descriptor of a chunk that a process has: what is done on the pool's thread.
 */
final class Reopen {
  private final TenantChunks tenant;
  private final Holder holder;
  private final long id;
  private final Owned owned;
  private final CompletableFuture<Taken> answer;

  Reopen(
      TenantChunks tenant, Holder holder, long id, Owned owned, CompletableFuture<Taken> answer) {
    this.tenant = tenant;
    this.holder = holder;
    this.id = id;
    this.owned = owned;
    this.answer = answer;
  }

  /** Not where the process has let go of the chunk meanwhile, or the tenant has ended. */
  void export() {
    if (answer.isDone()) {
      return;
    }
    if (!tenant.has(holder, id)) {
      answer.complete(new Taken.Refused("this process has let go of the chunk"));
      return;
    }
    int descriptor;
    try {
      descriptor = owned.chunk().export();
    } catch (NativeException | IllegalStateException e) {
      answer.complete(new Taken.Refused("the chunk cannot be opened again: " + e.getMessage()));
      return;
    }
    if (!answer.complete(new Taken.Given(id, owned.bytes(), descriptor))) {
      tenant.pool().closeDescriptor.accept(descriptor);
    }
  }
}
