package dev.aliquot.agent.tenant;

import dev.aliquot.agent.deep.Rise;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the contexts of a tenant's processes back to their devices, and whatever else the driver
 * took off with them: never before there is room for all of it, kept by the books. Thread-safe by
 * the tenant's lock, under which the driver is never called.
 */
final class Surfacing {
  private static final Logger LOG = LoggerFactory.getLogger(Surfacing.class);

  /** The process asks again in a second. */
  private static final Reply NO_ROOM =
      new Reply.Refused(Status.UNAVAILABLE, "there is no room for it to come back yet");

  private static final Reply LOST =
      new Reply.Refused(Status.UNAVAILABLE, "the driver does not let this process go on");

  /** The driver is not asked more often whether it lets a process go on that it has given up. */
  private static final long ASK_AGAIN_NANOS = Duration.ofSeconds(5).toNanos();

  private final Tenant tenant;
  private final TenantContext context;
  private final List<Holding> holdings;
  private final Diving diving;

  Surfacing(Tenant tenant, TenantContext context, List<Holding> holdings, Diving diving) {
    this.tenant = tenant;
    this.context = context;
    this.holdings = holdings;
    this.diving = diving;
  }

  /** A process is wanted back: done when nothing is under way that it has to wait for. */
  CompletionStage<Void> ready(Member member) {
    synchronized (tenant) {
      member.resuming++;
      diving.forget();
      diving.cancel(member);
      diving.adopt(member);
      @Nullable CompletableFuture<Void> underWay = member.underWay;
      return underWay == null
          ? CompletableFuture.completedFuture(null)
          : underWay.exceptionally(failure -> null);
    }
  }

  /** Who was {@link #ready} has its answer. */
  void over(Member member) {
    synchronized (tenant) {
      member.resuming--;
    }
  }

  /**
   * Has the driver bring a process back whose contexts are off its devices, if there is room for
   * all of them.
   *
   * @param reply what it is told where its contexts are there, or are then
   */
  CompletionStage<Reply> rise(Member member, Reply reply) {
    synchronized (tenant) {
      if (!tenant.holds(member) || member.depth == Depth.HOT) {
        return CompletableFuture.completedFuture(reply);
      }
      @Nullable Long lostAt = member.lostAt;
      if (member.depth == Depth.LOST
          && lostAt != null
          && context.monotonic().getAsLong() - lostAt < ASK_AGAIN_NANOS) {
        return CompletableFuture.completedFuture(LOST);
      }
      if (isAtRest(member)) {
        if (!member.locked && !hasRoom(member)) {
          return CompletableFuture.completedFuture(stays(member));
        }
        member.depth = Depth.RISING;
        member.underWay =
            diving
                .settle()
                .handle((done, failure) -> failure == null)
                .thenCompose(read -> steps(member, read))
                .exceptionally(failure -> diving.unclear(member, failure));
      }
      @Nullable CompletableFuture<Void> underWay = member.underWay;
      return underWay == null
          ? CompletableFuture.completedFuture(reply)
          : underWay.thenApply(ignored -> answer(member, reply));
    }
  }

  // ---- inside

  /** Whether nothing is under way, also where the last step ended without a word. */
  private static boolean isAtRest(Member member) {
    return switch (member.depth) {
      case DEEP, LOST -> true;
      case DIVING, RISING -> member.underWay == null || member.underWay.isDone();
      case HOT, GOING -> false;
    };
  }

  private boolean hasRoom(Member member) {
    return holdings.stream()
        .allMatch(holding -> holding.book.deep().missingBytes(member.slot) == 0);
  }

  /**
   * Strangers may have taken what the books had kept; what is there already needs no room.
   *
   * @param read whether a reading since then is in the books
   */
  private CompletableFuture<Void> steps(Member member, boolean read) {
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return CompletableFuture.completedFuture(null);
      }
      boolean over = holdings.stream().anyMatch(holding -> holding.device.book().isOver());
      if (!member.locked && (!read || over)) {
        var _ = stays(member);
        return CompletableFuture.completedFuture(null);
      }
    }
    return context
        .deep()
        .driver()
        .rise(tenant.id(), member.id)
        .handle(
            (end, failure) ->
                failure == null ? end : new Rise.StaysDeep(String.valueOf(failure.getMessage())))
        .thenAccept(end -> end(member, end));
  }

  private void end(Member member, Rise rise) {
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return;
      }
      switch (rise) {
        case Rise.Restored ignored -> {
          diving.surface(member);
          context.counters().rises.increment();
        }
        case Rise.StaysDeep(String reason) -> {
          var _ = stays(member);
          say(member, reason);
        }
        case Rise.Locked(String reason) -> {
          member.locked = true;
          var _ = stays(member);
          say(member, reason);
        }
        case Rise.Lost(String reason) -> diving.lost(member, reason);
        case Rise.Gone ignored -> {
          // its slot is taken back by whoever watches it
        }
      }
    }
    if (rise instanceof Rise.Restored || rise instanceof Rise.Locked) {
      // the room that was kept is the contexts' own from then on
      var _ = diving.settle();
    }
  }

  private void say(Member member, String reason) {
    LOG.warn(
        "process {} of tenant {} does not come back yet: {}",
        member.id.pid(),
        tenant.record().name(),
        reason);
  }

  private Reply stays(Member member) {
    member.depth = member.lostAt == null ? Depth.DEEP : Depth.LOST;
    if (member.locked) {
      return NO_ROOM;
    }
    for (Holding holding : holdings) {
      holding.book.deep().sinkAgain(member.slot);
      holding.device.room().fire();
    }
    return NO_ROOM;
  }

  private Reply answer(Member member, Reply reply) {
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return Answers.STALE;
      }
      return switch (member.depth) {
        case HOT -> reply;
        case LOST -> LOST;
        default -> NO_ROOM;
      };
    }
  }
}
