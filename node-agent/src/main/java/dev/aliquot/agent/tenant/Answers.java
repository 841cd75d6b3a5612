package dev.aliquot.agent.tenant;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.process.ProcessStat;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.PeerProcess;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.agent.wire.Status;
import dev.aliquot.agent.wire.TenantEndpoint;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The answers to one tenant's frames. */
final class Answers implements TenantEndpoint {
  static final Reply STALE =
      new Reply.Refused(
          Status.STALE, "this slot is not this process's: the process has to attach again");
  static final Reply CLOSED =
      new Reply.Refused(
          Status.CLOSED, "this tenant has been ended: start the program again under a new one");

  /** The process asks again until the next agent answers. */
  static final Reply STOPPING = new Reply.Refused(Status.UNAVAILABLE, "the agent is stopping");

  private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

  private static final long MOST_COPY_NANOS = Duration.ofMinutes(1).toNanos();

  private final Tenant tenant;
  private final TenantContext context;
  private final Settling settling;
  private final Duration roomWait;
  private final ChunkAnswers chunks;
  private final Returning returning;
  private final ShareAnswers shares;

  /**
   * @param roomWait how long an ask may wait for others to make room
   */
  Answers(Tenant tenant, TenantContext context, Settling settling, Duration roomWait) {
    this.tenant = tenant;
    this.context = context;
    this.settling = settling;
    this.roomWait = roomWait;
    this.chunks = new ChunkAnswers(tenant, context);
    this.shares = new ShareAnswers(tenant, context);
    this.returning = new Returning(tenant, context, settling, roomWait);
  }

  @Override
  public CompletionStage<Reply> answer(
      PeerProcess peer, Request request, BooleanSupplier abandoned) {
    return switch (request) {
      case Request.Hello hello -> CompletableFuture.completedStage(hello(peer, hello));
      case Request.OfSlot ofSlot ->
          tenant
              .member(ofSlot.slot(), ofSlot.generation(), peer.pid())
              .map(member -> ofMember(member, ofSlot, abandoned))
              .orElseGet(() -> CompletableFuture.completedStage(STALE));
    };
  }

  private Reply hello(PeerProcess peer, Request.Hello hello) {
    long start = context.monotonic().getAsLong();
    Optional<ProcessStat> process = context.proc().stat(peer.pid());
    if (process.isEmpty()
        || process.get().zombie()
        || !tenant.family().admits(process.get(), peer.uid())) {
      return new Reply.Refused(
          Status.NOT_A_TENANT,
          "process "
              + peer.pid()
              + " of user "
              + peer.uid()
              + " is not one of tenant "
              + tenant.record().name()
              + "'s: it has to be started by the tenant's command or in its container");
    }
    if (tenant.isEnding()) {
      return CLOSED;
    }
    Reply reply =
        tenant
            .attach(process.get(), hello.tenantPid())
            .<Reply>map(member -> new Reply.Welcome(member.slot, member.generation))
            .orElseGet(
                () ->
                    tenant.isGone()
                        ? STOPPING
                        : new Reply.Refused(
                            Status.NO_SLOT,
                            "this tenant has as many processes that use CUDA as one can have"));
    if (reply instanceof Reply.Welcome) {
      context.arrivals().tell(peer.pid(), tenant.record());
      context.counters().attaches.increment();
      context.counters().attachNanos.add(context.monotonic().getAsLong() - start);
    }
    return reply;
  }

  private CompletionStage<Reply> ofMember(
      Member member, Request.OfSlot request, BooleanSupplier abandoned) {
    return switch (request) {
      case Request.Ask ask ->
          tenant
              .holding(ask.device())
              .map(holding -> ask(member, holding, ask.wantedBytes(), abandoned))
              .orElseGet(() -> CompletableFuture.completedStage(noDevice(ask.device())));
      case Request.Settle settle ->
          tenant
              .holding(settle.device())
              .map(holding -> settle(member, holding))
              .orElseGet(() -> CompletableFuture.completedStage(noDevice(settle.device())));
      case Request.TakeChunk ignored when tenant.isEnding() ->
          CompletableFuture.completedStage(CLOSED);
      case Request.Share ignored when tenant.isEnding() -> CompletableFuture.completedStage(CLOSED);
      case Request.OpenShare ignored when tenant.isEnding() ->
          CompletableFuture.completedStage(CLOSED);
      case Request.TakeChunk take ->
          tenant
              .holding(take.device())
              .map(holding -> chunks.take(member, holding, take.bytes()))
              .orElseGet(() -> CompletableFuture.completedStage(noDevice(take.device())));
      case Request.ReopenChunk ignored when tenant.isEnding() ->
          CompletableFuture.completedStage(CLOSED);
      case Request.ReopenChunk reopen -> chunks.reopen(member, reopen.id());
      case Request.Resume ignored -> returning.resume(member, abandoned);
      case Request.ReturnChunk back ->
          CompletableFuture.completedStage(chunks.giveBack(member, back.id()));
      case Request.Share share -> CompletableFuture.completedStage(shares.share(member, share));
      case Request.Unshare over -> CompletableFuture.completedStage(shares.over(member, over.id()));
      case Request.OpenShare open -> CompletableFuture.completedStage(shares.open(open));
      case Request.Moved moved ->
          CompletableFuture.completedStage(
              tenant
                  .holding(moved.device())
                  .map(holding -> moved(member, holding, moved))
                  .orElseGet(() -> noDevice(moved.device())));
      case Request.Bye ignored -> {
        tenant.detach(member);
        yield CompletableFuture.completedStage(new Reply.Granted(0));
      }
    };
  }

  private CompletionStage<Reply> ask(
      Member member, Holding holding, long wantedBytes, BooleanSupplier abandoned) {
    context.counters().asks.increment();
    if (holding.device.isLost()) {
      return CompletableFuture.completedStage(lost(holding.device));
    }
    return new Asking(
            new Question.Ask(tenant, member, holding, context.counters().takeBacks, wantedBytes),
            context,
            settling,
            roomWait,
            abandoned)
        .answer()
        .whenComplete(
            (reply, failure) -> {
              if (reply instanceof Reply.Granted) {
                context.counters().grants.increment();
              } else if (reply instanceof Reply.Refused(Status status, String sentence)) {
                LOG.debug("tenant {}: {} ({})", tenant.id(), sentence, status);
              }
            });
  }

  private Reply moved(Member member, Holding holding, Request.Moved moved) {
    if (tenant.diving().moved(member, moved)) {
      return new Reply.Granted(tenant.creditBytes(member, holding));
    }
    context.counters().moves.add(moved);
    holding.traffic.moved(moved, context.monotonic().getAsLong());
    if (moved.promoted()) {
      tenant.presence().broughtBack(member, holding);
    }
    boolean couldNot = !moved.promoted() && moved.outcome() != MoveOutcome.DONE;
    boolean changed =
        couldNot
            ? tenant.couldNotMove(member, holding, moved.wake())
            : tenant.moved(member, holding);
    if (changed) {
      holding.device.room().fire();
    }
    if (couldNot && changed) {
      LOG.warn(
          "process {} of tenant {} could not give memory of device {} back: {}",
          member.id.pid(),
          tenant.record().name(),
          holding.device.uuid(),
          moved.outcome().name().toLowerCase(Locale.ROOT));
    }
    if (moved.promoted()) {
      // as the process says it: what it makes longer is bounded, for itself as for others
      long copyNanos = moved.movedBytes() == 0 ? 0 : moved.copyNanos();
      holding.residency.cameBack(
          tenant.id(), Duration.ofNanos(Math.clamp(copyNanos, 0, MOST_COPY_NANOS)));
    }
    if (!moved.promoted() && tenant.presence().hasJustParked(member)) {
      context.counters().swapOuts.increment();
      holding.traffic.swappedOut();
    }
    return new Reply.Granted(tenant.creditBytes(member, holding));
  }

  private CompletionStage<Reply> settle(Member member, Holding holding) {
    context.counters().settles.increment();
    if (holding.device.isLost()) {
      return CompletableFuture.completedStage(lost(holding.device));
    }
    return settling
        .settle(holding.device)
        .handle(
            (ignored, failure) ->
                failure == null
                    ? new Reply.Granted(tenant.creditBytes(member, holding))
                    : silent(holding.device));
  }

  static Reply silent(Device device) {
    return new Reply.Refused(
        Status.UNAVAILABLE,
        "the driver has not said in time what is held on device " + device.uuid());
  }

  /** Final, so that nobody waits for what no agent's wait brings back. */
  private static Reply lost(Device device) {
    return new Reply.Refused(
        Status.LIMIT,
        "nothing of device "
            + device.uuid()
            + " can be had: it was not there when the agent started");
  }

  private static Reply noDevice(int index) {
    return new Reply.Refused(
        Status.MALFORMED, "this tenant has no device " + Integer.toUnsignedString(index));
  }
}
