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

  /** Less than how long a process waits for this answer: ALQ_RESUME_WAIT_MS. */
  private static final Duration LONGEST = Duration.ofMinutes(4);

  /**
   * @param most how long others may take to make room, when nobody is in the middle of its turn
   */
  Returning(Tenant tenant, TenantContext context, Settling settling, Duration most) {
    this.tenant = tenant;
    this.context = context;
    this.settling = settling;
    this.most = most;
  }

  /**
   * One device after the other; the process runs when it is away from none any more, and its
   * contexts are there. It waits for the turns of others, then for all of its data for half of the
   * time, and for what is within its request for the rest.
   *
   * @param abandoned whether nobody waits for the answer any more
   */
  CompletionStage<Reply> resume(Member member, BooleanSupplier abandoned) {
    Surfacing surfacing = tenant.surfacing();
    return surfacing
        .ready(member)
        .thenCompose(ignored -> toDevices(member, abandoned))
        .thenCompose(reply -> surfacing.rise(member, reply))
        .whenComplete((reply, failure) -> surfacing.over(member));
  }

  private CompletionStage<Reply> toDevices(Member member, BooleanSupplier abandoned) {
    long beginNanos = context.monotonic().getAsLong();
    Patience patience = new Patience(context.monotonic());
    CompletionStage<Reply> stage = CompletableFuture.completedStage(new Reply.Granted(0));
    for (Holding holding : tenant.presence().holdingsAway(member)) {
      stage =
          stage
              .thenCompose(ignored -> back(member, holding, beginNanos, patience, abandoned))
              .thenApply(
                  reply -> {
                    holding.device.room().fire();
                    context.counters().returns.add(since(beginNanos));
                    holding.traffic.waited(since(beginNanos));
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

  private CompletionStage<Reply> back(
      Member member,
      Holding holding,
      long beginNanos,
      Patience patience,
      BooleanSupplier abandoned) {
    Duration longest = most.compareTo(LONGEST) > 0 ? most : LONGEST;
    Duration left = longest.minus(since(beginNanos));
    BooleanSupplier turn = () -> holding.residency.isTurnOfOthers(tenant.id());
    BooleanSupplier whole = () -> patience.used(turn).compareTo(most.dividedBy(2)) < 0;
    BooleanSupplier over =
        () -> abandoned.getAsBoolean() || patience.used(turn).compareTo(most) >= 0;
    tenant.presence().returning(1);
    return new Asking(
            new Question.Resume(tenant.presence(), member, holding, whole),
            context,
            settling,
            left.isNegative() ? Duration.ZERO : left,
            over)
        .answer()
        .whenComplete((reply, failure) -> tenant.presence().returning(-1));
  }

  private Duration since(long beginNanos) {
    return Duration.ofNanos(context.monotonic().getAsLong() - beginNanos);
  }
}
