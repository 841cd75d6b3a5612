package dev.aliquot.agent.tenant;

import dev.aliquot.agent.deep.Dive;
import dev.aliquot.agent.page.UsageReport;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Request;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the contexts of a tenant's parked processes leave their devices, and whatever else is left of
 * them there: tells a process to let go of what it has imported, has the driver's steps done when
 * it says that it has, and takes all of that back where one fails. Thread-safe by the tenant's
 * lock, under which the driver is never called.
 */
final class Diving {
  private static final Logger LOG = LoggerFactory.getLogger(Diving.class);

  /** How long a process may take to let go of what it has imported, data that moves included. */
  private static final Duration LETS_GO = Duration.ofMinutes(3);

  private final Tenant tenant;
  private final TenantContext context;
  private final List<Holding> holdings;
  private final Map<Integer, Member> members;
  private final TenantFiles.Pages pages;
  private final Account account;
  private boolean wanted;

  /**
   * @param members by slot, kept up to date elsewhere
   */
  Diving(
      Tenant tenant,
      TenantContext context,
      List<Holding> holdings,
      Map<Integer, Member> members,
      TenantFiles.Pages pages,
      Account account) {
    this.tenant = tenant;
    this.context = context;
    this.holdings = holdings;
    this.members = members;
    this.pages = pages;
    this.account = account;
  }

  /** Somebody wants the tenant's contexts off as soon as it is out, whatever failed before. */
  void want() {
    synchronized (tenant) {
      wanted = true;
      look();
    }
  }

  /** Nobody does any more: it is wanted back, or does not leave. */
  void forget() {
    synchronized (tenant) {
      wanted = false;
    }
  }

  boolean isWanted() {
    synchronized (tenant) {
      return wanted;
    }
  }

  /** To be called regularly: begins with those that have been parked for long enough. */
  void look() {
    synchronized (tenant) {
      if (tenant.isGone() || nothingToDo()) {
        return;
      }
      long now = context.monotonic().getAsLong();
      boolean anyAway = false;
      boolean allRest = true;
      for (Member member : members.values()) {
        UsageReport usage = pages.usage().report(member.slot);
        boolean away = member.depth != Depth.HOT || isAway(member);
        boolean rests = away && usage.isOf(member.generation) && usage.parked();
        if (!rests) {
          member.restsSince = null;
        } else if (member.restsSince == null) {
          member.restsSince = now;
        }
        anyAway |= away;
        allRest &= rests || !away;
        goesOn(member, usage, now);
      }
      wanted &= anyAway;
      if (anyAway && allRest) {
        members.values().stream().filter(member -> mayGo(member, now)).forEach(this::begin);
        wanted = false;
      }
    }
  }

  /**
   * A process has moved something, or could not.
   *
   * @return whether that was about going deep and nothing else
   */
  boolean moved(Member member, Request.Moved moved) {
    synchronized (tenant) {
      if (!tenant.holds(member)
          || member.depth != Depth.GOING
          || moved.promoted()
          || moved.wake() - member.deepWake < 0) {
        return false;
      }
      if (pages.usage().report(member.slot).bare()) {
        dive(member);
        return true;
      }
      if (moved.outcome() == MoveOutcome.DONE) {
        return false;
      }
      stays(member, Traffic.reason(moved.outcome()));
      return true;
    }
  }

  /** A process that was told to go is wanted back before the driver has begun. */
  void cancel(Member member) {
    synchronized (tenant) {
      if (tenant.holds(member) && member.depth == Depth.GOING) {
        surface(member);
      }
    }
  }

  /** Finds out about a process that an earlier agent had begun with. */
  void restore(Member member) {
    synchronized (tenant) {
      if (pages.control().isDeep(member.slot)) {
        for (Holding holding : holdings) {
          holding
              .book
              .deep()
              .restoreSunk(member.slot, pages.control().contextBytes(member.slot, holding.index));
        }
        member.depth = Depth.DIVING;
        member.underWay =
            ended(member, context.deep().driver().look(tenant.id(), member.id), false);
      }
    }
  }

  /**
   * A process that is in a slot which was never told to go says that it has let go: it came from
   * another slot, and only the driver knows how it stands. What its contexts take nobody knows, so
   * it is what a context is expected to take; and what it holds beside them is what it says. One
   * that has been here before has only not got to its report yet.
   */
  void adopt(Member member) {
    synchronized (tenant) {
      UsageReport usage = pages.usage().report(member.slot);
      if (!tenant.holds(member)
          || member.depth != Depth.HOT
          || member.hasSurfaced
          || !usage.isOf(member.generation)
          || !usage.bare()) {
        return;
      }
      for (Holding holding : holdings) {
        long bytes = holding.device.contextEstimateBytes();
        pages.control().contextBytes(member.slot, holding.index, bytes);
        holding.book.deep().adoptSunk(member.slot, bytes);
      }
      member.depth = Depth.DIVING;
      pages.control().deep(member.slot, true);
      member.underWay = ended(member, context.deep().driver().look(tenant.id(), member.id), false);
    }
  }

  /**
   * A process says hello. In one that is deep it may be another program (execve), which has nothing
   * that could come back: only the driver knows.
   */
  void seated(Member member) {
    synchronized (tenant) {
      boolean atRest = member.underWay == null || member.underWay.isDone();
      if (atRest && (member.depth == Depth.DEEP || member.depth == Depth.LOST)) {
        member.depth = Depth.DIVING;
        member.lostAt = null;
        member.underWay =
            ended(member, context.deep().driver().look(tenant.id(), member.id), false);
      }
    }
  }

  /** What the contexts of a process take is on its devices again, and it may call the driver. */
  void surface(Member member) {
    member.depth = Depth.HOT;
    member.locked = false;
    member.lostAt = null;
    member.hasSurfaced = true;
    member.restsSince = null;
    for (Holding holding : holdings) {
      pages.control().contextBytes(member.slot, holding.index, 0);
    }
    pages.control().deep(member.slot, false);
    pages.control().wake(member.slot);
  }

  /** Reads all of the tenant's devices: what has left them is free then. */
  CompletableFuture<Void> settle() {
    return CompletableFuture.allOf(
            holdings.stream()
                .map(holding -> context.deep().settling().settle(holding.device))
                .map(stage -> stage.toCompletableFuture())
                .toArray(CompletableFuture<?>[]::new))
        .whenComplete((done, failure) -> holdings.forEach(each -> each.device.room().fire()));
  }

  // ---- inside

  /** Reading the pages has its price where nobody goes deep. */
  private boolean nothingToDo() {
    return !wanted
        && context.deep().after() == null
        && members.values().stream().allMatch(member -> member.depth == Depth.HOT);
  }

  private boolean isAway(Member member) {
    return holdings.stream().anyMatch(holding -> holding.book.isAway(member.slot));
  }

  private boolean mayGo(Member member, long now) {
    @Nullable Long since = member.restsSince;
    if (member.depth != Depth.HOT || since == null || member.resuming > 0) {
      return false;
    }
    @Nullable Duration after = context.deep().after();
    return wanted || (after != null && !member.noDive.lasts(now) && now - since >= after.toNanos());
  }

  /** A MOVED may have been lost, and a process may not get to it. */
  private void goesOn(Member member, UsageReport usage, long now) {
    if (member.depth == Depth.GOING && usage.bare()) {
      dive(member);
    } else if (member.depth == Depth.GOING && now - member.goingSince > LETS_GO.toNanos()) {
      stays(member, "it does not let go of what it has imported");
    }
  }

  private void begin(Member member) {
    member.depth = Depth.GOING;
    member.goingSince = context.monotonic().getAsLong();
    pages.control().deep(member.slot, true);
    pages.control().wake(member.slot);
    member.deepWake = pages.control().wakeWord(member.slot);
  }

  private void dive(Member member) {
    member.depth = Depth.DIVING;
    member.underWay =
        ended(
            member,
            settle()
                .handle((done, failure) -> failure == null)
                .thenCompose(
                    read ->
                        read
                            ? steps(member)
                            : CompletableFuture.completedFuture(
                                new Dive.StaysHot(
                                    "the driver has not said in time what it holds"))),
            true);
  }

  /** What its contexts take, and what it holds beside them, the books know before they leave. */
  private CompletableFuture<Dive> steps(Member member) {
    long copyBytes = 0;
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return CompletableFuture.completedFuture(new Dive.Gone());
      }
      if (holdings.stream().allMatch(holding -> member.truthBytes[holding.index] == 0)) {
        // nobody could keep room for what nobody knows
        return CompletableFuture.completedFuture(
            new Dive.StaysHot("the driver does not say what it holds"));
      }
      if (holdings.stream().anyMatch(holding -> !holding.book.deep().couldComeBack(member.slot))) {
        return CompletableFuture.completedFuture(
            new Dive.StaysHot("its request or limit has no place for it to come back to"));
      }
      for (Holding holding : holdings) {
        copyBytes += member.truthBytes[holding.index];
        long bytes = member.overheads[holding.index].overheadBytes();
        holding.book.deep().sink(member.slot, bytes, member.truthBytes[holding.index]);
        pages
            .control()
            .contextBytes(
                member.slot, holding.index, holding.book.deep().missingContextBytes(member.slot));
      }
    }
    return context.deep().driver().dive(tenant.id(), member.id, copyBytes);
  }

  /**
   * @param tried whether this agent has tried to take it off, and not only looked
   */
  private CompletableFuture<Void> ended(
      Member member, CompletableFuture<Dive> dive, boolean tried) {
    return dive.handle(
            (end, failure) ->
                failure == null ? end : new Dive.StaysHot(String.valueOf(failure.getMessage())))
        .thenAccept(end -> end(member, end, tried))
        .exceptionally(failure -> unclear(member, failure));
  }

  /** What came of a step is not in the books: whoever wants the process back asks the driver. */
  @Nullable Void unclear(Member member, Throwable failure) {
    LOG.error(
        "process {} of tenant {}: the driver is asked again how it stands",
        member.id.pid(),
        tenant.record().name(),
        failure);
    return null;
  }

  private void end(Member member, Dive dive, boolean tried) {
    synchronized (tenant) {
      if (!tenant.holds(member)) {
        return;
      }
      switch (dive) {
        case Dive.Deep ignored -> {
          member.depth = Depth.DEEP;
          member.hasBeenDeep = true;
          member.noDive.over();
          holdings.forEach(holding -> holding.book.deep().sunk(member.slot));
          context.counters().dives.add(tried ? 1 : 0);
        }
        case Dive.StaysHot(String reason) -> {
          for (Holding holding : holdings) {
            holding.book.deep().surfaced(member.slot, account.overheadBytes(holding));
          }
          if (tried) {
            stays(member, reason);
          } else {
            surface(member);
          }
        }
        case Dive.Lost(String reason) -> lost(member, reason);
        case Dive.Gone ignored -> {
          // its slot is taken back by whoever watches it
        }
      }
    }
    if (dive instanceof Dive.Deep) {
      var _ = settle();
    }
  }

  /** Under the tenant's lock. */
  void lost(Member member, String reason) {
    boolean known = member.lostAt != null;
    member.depth = Depth.LOST;
    member.lostAt = context.monotonic().getAsLong();
    if (known) {
      return;
    }
    context.counters().lostProcesses.increment();
    say(reason);
    LOG.error(
        "process {} of tenant {} cannot go on: {}",
        member.id.pid(),
        tenant.record().name(),
        reason);
  }

  private void stays(Member member, String reason) {
    surface(member);
    member.noDive.failed(context.monotonic().getAsLong());
    context.counters().diveFailures.increment();
    say(reason);
    LOG.warn(
        "process {} of tenant {} keeps its contexts on its devices: {}",
        member.id.pid(),
        tenant.record().name(),
        reason);
  }

  private void say(String reason) {
    long now = context.monotonic().getAsLong();
    holdings.forEach(holding -> holding.traffic.staysHot(reason, now));
  }
}
