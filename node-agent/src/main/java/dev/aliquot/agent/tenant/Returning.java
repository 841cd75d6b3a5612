package dev.aliquot.agent.tenant;

import dev.aliquot.agent.wire.Reply;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

/**
 * Has processes of one tenant that are away come back: with their data on the device, or, where
 * that cannot be had in time, with what of it is there. Never blocks.
 */
final class Returning {
  private final Tenant tenant;
  private final TenantContext context;
  private final Settling settling;
  private final Duration most;

  /**
   * @param most how long others may take to make room
   */
  Returning(Tenant tenant, TenantContext context, Settling settling, Duration most) {
    this.tenant = tenant;
    this.context = context;
    this.settling = settling;
    this.most = most;
  }

  /**
   * One device after the other; the process runs when it is away from none any more.
   *
   * @param abandoned whether nobody waits for the answer any more
   */
  CompletionStage<Reply> resume(Member member, BooleanSupplier abandoned) {
    long beginNanos = context.monotonic().getAsLong();
    CompletionStage<Reply> stage = CompletableFuture.completedStage(new Reply.Granted(0));
    for (Holding holding : tenant.holdingsAway(member)) {
      stage =
          stage
              .thenCompose(ignored -> back(member, holding, abandoned))
              .thenApply(
                  reply -> {
                    Duration took = Duration.ofNanos(context.monotonic().getAsLong() - beginNanos);
                    tenant.returned(holding);
                    context.counters().returns.add(took);
                    return reply;
                  });
    }
    return stage;
  }

  /** Every process that is away. */
  void resumeAll() {
    for (Member member : tenant.members()) {
      var _ = resume(member, () -> false);
    }
  }

  private CompletionStage<Reply> back(Member member, Holding holding, BooleanSupplier abandoned) {
    tenant.returning(1);
    return new Asking(
            new Question.Resume(tenant, member, holding), context, settling, most, abandoned)
        .answer()
        .whenComplete((reply, failure) -> tenant.returning(-1));
  }
}
