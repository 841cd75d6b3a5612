package dev.aliquot.agent.wire;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.timeout.IdleStateEvent;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a tenant's process: one request at a time, the next one when the answer has
 * been written. So a process that asks and does not read has one answer waiting here, and one
 * descriptor, however much it asks.
 */
final class Connection extends SimpleChannelInboundHandler<Incoming> {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  private static final Reply TOO_MANY_ASKS =
      new Reply.Refused(
          Status.UNAVAILABLE, "as many asks of this tenant wait for memory as may wait");

  private final TenantEndpoint endpoint;
  private final SocketEvents events;
  private final ConnectionLimit limit;
  private @Nullable PeerProcess peer;
  private volatile boolean gone;
  private State state = State.LISTENING;

  private enum State {
    LISTENING,
    /** The endpoint has the request. */
    ANSWERING,
    /** The answer is on its way out. */
    WRITING,
    /** The last answer is on its way out; whatever comes in is ignored. */
    ENDING
  }

  Connection(TenantEndpoint endpoint, SocketEvents events, ConnectionLimit limit) {
    this.endpoint = endpoint;
    this.events = events;
    this.limit = limit;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, Incoming incoming) throws IOException {
    switch (incoming) {
      case Incoming.Broken(int id, Status status, String sentence) -> {
        events.malformed();
        end(context, id, new Reply.Refused(status, sentence));
      }
      case Incoming.Understood(int id, Request _) when state != State.LISTENING -> {
        events.malformed();
        end(
            context,
            id,
            new Reply.Refused(Status.MALFORMED, "one request at a time: wait for the answer"));
      }
      case Incoming.Understood(int id, Request request) -> {
        state = State.ANSWERING;
        PeerProcess process = peer(context);
        boolean mayWait = request instanceof Request.Ask || request instanceof Request.Resume;
        if (!mayWait) {
          answer(context, id, process, request);
        } else if (!limit.ask(context.channel(), () -> answer(context, id, process, request))) {
          answered(context, id, TOO_MANY_ASKS, null);
        }
      }
    }
  }

  private void answer(ChannelHandlerContext context, int id, PeerProcess process, Request request) {
    var _ =
        reply(process, request)
            .whenComplete((reply, failure) -> onEventLoop(context, id, reply, failure));
  }

  private CompletionStage<Reply> reply(PeerProcess process, Request request) {
    try {
      return endpoint.answer(process, request, () -> gone);
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  private void onEventLoop(
      ChannelHandlerContext context, int id, @Nullable Reply reply, @Nullable Throwable failure) {
    if (context.executor().inEventLoop()) {
      answered(context, id, reply, failure);
      return;
    }
    try {
      context.executor().execute(() -> answered(context, id, reply, failure));
    } catch (RejectedExecutionException e) {
      // The agent has stopped serving.
      if (reply instanceof Reply.WithDescriptor sent) {
        close(new FileDescriptor(sent.descriptor()));
        sent.undelivered().run();
      }
    }
  }

  private void answered(
      ChannelHandlerContext context, int id, @Nullable Reply reply, @Nullable Throwable failure) {
    limit.answered(context.channel());
    if (reply == null) {
      LOG.warn("a request could not be answered", failure);
      end(context, id, new Reply.Refused(Status.UNAVAILABLE, "the agent failed; its log says why"));
      return;
    }
    if (state == State.ANSWERING) {
      state = State.WRITING;
    }
    var _ =
        write(context, id, reply)
            .addListener(
                written -> {
                  if (state == State.WRITING) {
                    state = State.LISTENING;
                  }
                });
  }

  private void end(ChannelHandlerContext context, int id, Reply reply) {
    if (state != State.ENDING) {
      state = State.ENDING;
      var _ = write(context, id, reply).addListener(ChannelFutureListener.CLOSE);
    }
  }

  private ChannelFuture write(ChannelHandlerContext context, int id, Reply reply) {
    if (reply instanceof Reply.Refused(Status status, String _)) {
      events.refused(status);
    }
    ChannelFuture written = context.writeAndFlush(FrameWriter.write(context.alloc(), id, reply));
    return reply instanceof Reply.WithDescriptor more ? send(context, more) : written;
  }

  /** One byte that carries the descriptor; ours is closed once that is sent, or cannot be. */
  private static ChannelFuture send(ChannelHandlerContext context, Reply.WithDescriptor reply) {
    FileDescriptor descriptor = new FileDescriptor(reply.descriptor());
    return context
        .writeAndFlush(descriptor)
        .addListener(
            sent -> {
              close(descriptor);
              if (!sent.isSuccess()) {
                reply.undelivered().run();
              }
            });
  }

  private static void close(FileDescriptor descriptor) {
    try {
      descriptor.close();
    } catch (IOException e) {
      LOG.warn("a descriptor cannot be closed: {}", e.getMessage());
    }
  }

  private PeerProcess peer(ChannelHandlerContext context) throws IOException {
    if (peer == null) {
      PeerCredentials credentials =
          ((EpollDomainSocketChannel) context.channel()).peerCredentials();
      int[] gids = credentials.gids();
      peer = new PeerProcess(credentials.pid(), credentials.uid(), gids.length == 0 ? -1 : gids[0]);
    }
    return peer;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    gone = true;
    super.channelInactive(context);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof IdleStateEvent && state != State.ANSWERING) {
      events.idle();
      var _ = context.close();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!(cause instanceof IOException)) {
      LOG.warn("a tenant's connection failed", cause);
    }
    var _ = context.close();
  }
}
