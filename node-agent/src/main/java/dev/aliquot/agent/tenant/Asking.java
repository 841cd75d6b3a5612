package dev.aliquot.agent.tenant;

import dev.aliquot.agent.count.TakeBacks;
import dev.aliquot.agent.device.Signal;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.ledger.AskResult;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;

/**
 * One ask to its end: asks the book, waits for a reading of ground truth or for others to make
 * room, and asks again. What was waited for is given up when the time is over or nobody waits for
 * the answer any more. Never blocks.
 */
final class Asking {
  /** A signal may fire under a tenant's lock, and a step takes another's: never on one thread. */
  private static final Executor STEPS =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().daemon().name("aliquot-asks").unstarted(task));

  /** How often an ask waits for ground truth because others were quicker. */
  private static final int MOST_READINGS = 8;

  /** Somebody who makes room says so; this is for what nobody says. */
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Question question;
  private final TenantContext context;
  private final Settling settling;
  private final BooleanSupplier abandoned;
  private final long beginNanos;
  private final long endNanos;
  private int readings;
  private Optional<TakeBacks.Cause> takeBack = Optional.empty();

  /**
   * @param most how long others may take to make room
   * @param abandoned whether nobody waits for the answer any more
   */
  Asking(
      Question question,
      TenantContext context,
      Settling settling,
      Duration most,
      BooleanSupplier abandoned) {
    this.question = question;
    this.context = context;
    this.settling = settling;
    this.abandoned = abandoned;
    this.beginNanos = context.monotonic().getAsLong();
    this.endNanos = beginNanos + most.toNanos();
  }

  CompletionStage<Reply> answer() {
    return CompletableFuture.completedStage(null)
        .thenCompose(ignored -> step())
        .whenComplete(
            (reply, failure) -> {
              question.end();
              takeBack.ifPresent(cause -> question.waited(cause, elapsed()));
            })
        .thenApply(reply -> reply instanceof Reply.Refused no ? question.refused(no) : reply);
  }

  private CompletionStage<Reply> step() {
    Signal.Change change = question.device().room().next();
    Optional<AskResult> result = question.ask();
    if (result.isEmpty()) {
      return CompletableFuture.completedStage(Answers.STALE);
    }
    return switch (result.get()) {
      case AskResult.Granted(long creditBytes) ->
          CompletableFuture.completedStage(new Reply.Granted(creditBytes));
      case AskResult.Stopping ignored -> CompletableFuture.completedStage(Answers.STOPPING);
      case AskResult.Closed ignored -> CompletableFuture.completedStage(Answers.CLOSED);
      case AskResult.AfterReading(boolean guaranteed) -> afterReading(guaranteed);
      case AskResult.MakingRoom ignored -> afterChange(change, "others are still making room");
      case AskResult.Refused(AskResult.Cause cause, String sentence)
          when cause == AskResult.Cause.STUCK ->
          afterChange(change, sentence);
      case AskResult.Refused(AskResult.Cause cause, String sentence) ->
          CompletableFuture.completedStage(
              new Reply.Refused(
                  cause == AskResult.Cause.AWAY ? Status.AWAY : Status.LIMIT, sentence));
    };
  }

  private CompletionStage<Reply> afterReading(boolean guaranteed) {
    took(TakeBacks.Cause.UNUSED_CREDIT);
    if (guaranteed ? isOver() : readings++ == MOST_READINGS) {
      return CompletableFuture.completedStage(
          new Reply.Refused(Status.LIMIT, "other processes took what was left"));
    }
    return settling
        .settle(question.device())
        .handle((done, failure) -> failure)
        .thenCompose(
            failure ->
                failure == null
                    ? step()
                    : CompletableFuture.completedStage(Answers.silent(question.device())));
  }

  private CompletionStage<Reply> afterChange(Signal.Change change, String refusal) {
    took(TakeBacks.Cause.LOAN);
    if (isOver()) {
      took(TakeBacks.Cause.STUCK);
      return CompletableFuture.completedStage(new Reply.Refused(Status.LIMIT, refusal));
    }
    return change.within(LOOK_AGAIN).thenComposeAsync(ignored -> step(), STEPS);
  }

  /** The dearest of what was needed names the cause. */
  private void took(TakeBacks.Cause cause) {
    if (takeBack.isEmpty() || cause.compareTo(takeBack.get()) > 0) {
      takeBack = Optional.of(cause);
    }
  }

  private boolean isOver() {
    return abandoned.getAsBoolean() || context.monotonic().getAsLong() - endNanos >= 0;
  }

  private Duration elapsed() {
    return Duration.ofNanos(context.monotonic().getAsLong() - beginNanos);
  }
}
