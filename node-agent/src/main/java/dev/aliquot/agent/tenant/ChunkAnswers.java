package dev.aliquot.agent.tenant;

import dev.aliquot.agent.pool.Allowance;
import dev.aliquot.agent.pool.Holder;
import dev.aliquot.agent.pool.HostPool;
import dev.aliquot.agent.pool.Taken;
import dev.aliquot.agent.pool.TenantChunks;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.ledger.Share;
import dev.aliquot.linux.Descriptors;
import dev.aliquot.residency.SwapMode;
import java.util.concurrent.CompletionStage;

/**
 * The answers to one tenant's frames about host chunks. What a process has is in its page first.
 */
final class ChunkAnswers {
  private final Tenant tenant;
  private final TenantContext context;

  ChunkAnswers(Tenant tenant, TenantContext context) {
    this.tenant = tenant;
    this.context = context;
  }

  CompletionStage<Reply> take(Member member, Holding holding, long bytes) {
    int node = context.numaNodes().nearest(holding.device.facts().pciAddress());
    return tenant
        .chunks()
        .take(holderOf(member), holding.index, node, allowance(member, holding), bytes)
        .thenApply(taken -> answer(member, taken));
  }

  CompletionStage<Reply> reopen(Member member, long id) {
    return tenant.chunks().reopen(holderOf(member), id).thenApply(taken -> reopened(member, taken));
  }

  Reply giveBack(Member member, long id) {
    tenant.chunks().giveBack(holderOf(member), id);
    return tenant.publishHostBytes(member) ? new Reply.Granted(0) : Answers.STALE;
  }

  static Holder holderOf(Member member) {
    return new Holder(member.slot, member.generation);
  }

  private Allowance allowance(Member member, Holding holding) {
    long madeBytes = tenant.chunks().madeBytes(holderOf(member), holding.index);
    return new Allowance(
        mayHoldBytes(holding, tenant.record().swap()),
        holding.book.mostHostBytes(member.slot, madeBytes, HostPool.MOST_BYTES));
  }

  /**
   * What is lent may have to move out of the way, and all of a tenant that is swapped out, in whole
   * pieces.
   */
  private static long mayHoldBytes(Holding holding, SwapMode swap) {
    Share share = holding.share();
    long staysBytes = swap == SwapMode.NEVER || !share.borrows() ? share.requestBytes() : 0;
    return Math.ceilDiv(share.limitBytes() - staysBytes, HostPool.MOST_BYTES) * HostPool.MOST_BYTES;
  }

  /** What the process has does not change: the chunk was in its hands before. */
  private Reply reopened(Member member, Taken taken) {
    if (taken instanceof Taken.Given given) {
      if (tenant.holds(member)) {
        return new Reply.Chunk(given.id(), given.bytes(), given.descriptor(), () -> {});
      }
      Descriptors.close(given.descriptor());
      return Answers.STALE;
    }
    return answer(member, taken);
  }

  private Reply answer(Member member, Taken taken) {
    return switch (taken) {
      case Taken.Refused(String sentence) -> new Reply.Refused(Status.HOST_POOL, sentence);
      case Taken.Stopping() -> Answers.STOPPING;
      case Taken.Given given -> deliver(member, given);
    };
  }

  private Reply deliver(Member member, Taken.Given given) {
    boolean published = false;
    try {
      published = tenant.publishHostBytes(member);
    } finally {
      if (!published) {
        Descriptors.close(given.descriptor());
        // It may have gone before this chunk was counted.
        tenant.chunks().processGone(holderOf(member));
      }
    }
    return published
        ? new Reply.Chunk(
            given.id(), given.bytes(), given.descriptor(), () -> giveBack(member, given.id()))
        : Answers.STALE;
  }

  /** The account of a tenant in the pool, for which chunks are made ahead where it may borrow. */
  static void expect(TenantChunks chunks, TenantContext context, Iterable<Holding> holdings) {
    for (Holding holding : holdings) {
      if (holding.share().borrows()) {
        chunks.expect(context.numaNodes().nearest(holding.device.facts().pciAddress()));
      }
    }
  }
}
