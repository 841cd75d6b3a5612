package dev.aliquot.agent.wire;

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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a tenant's process: one request at a time; reading stops while an answer is
 * due.
 */
final class Connection extends SimpleChannelInboundHandler<Incoming> {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  private final TenantEndpoint endpoint;
  private final SocketEvents events;
  private @Nullable PeerProcess peer;
  private boolean answering;
  private volatile boolean gone;

  Connection(TenantEndpoint endpoint, SocketEvents events) {
    this.endpoint = endpoint;
    this.events = events;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, Incoming incoming) throws IOException {
    switch (incoming) {
      case Incoming.Broken(int id, Status status, String sentence) -> {
        events.malformed();
        reply(context, id, new Reply.Refused(status, sentence), true);
      }
      case Incoming.Understood(int id, Request request) -> {
        if (answering) {
          events.malformed();
          reply(
              context,
              id,
              new Reply.Refused(Status.MALFORMED, "one request at a time: wait for the answer"),
              true);
          return;
        }
        answering = true;
        CompletionStage<Reply> answer = answer(peer(context), request);
        answer.whenComplete(
            (reply, failure) -> {
              if (context.executor().inEventLoop()) {
                answered(context, id, reply, failure);
              } else {
                context.executor().execute(() -> answered(context, id, reply, failure));
              }
            });
      }
    }
  }

  private CompletionStage<Reply> answer(PeerProcess process, Request request) {
    try {
      return endpoint.answer(process, request, () -> gone);
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  private void answered(
      ChannelHandlerContext context, int id, @Nullable Reply reply, @Nullable Throwable failure) {
    answering = false;
    if (reply != null) {
      reply(context, id, reply, false);
    } else {
      LOG.warn("a request could not be answered", failure);
      reply(
          context,
          id,
          new Reply.Refused(Status.UNAVAILABLE, "the agent failed; its log says why"),
          true);
    }
  }

  private void reply(ChannelHandlerContext context, int id, Reply reply, boolean last) {
    if (reply instanceof Reply.Refused(Status status, String ignored)) {
      events.refused(status);
    }
    var written = context.writeAndFlush(FrameWriter.write(context.alloc(), id, reply));
    if (reply instanceof Reply.Chunk(long ignored, long bytes, int descriptor)) {
      send(context, new FileDescriptor(descriptor));
    }
    if (last) {
      var _ = written.addListener(ChannelFutureListener.CLOSE);
    }
  }

  /** One byte that carries the descriptor; ours is closed once that is sent, or cannot be. */
  private static void send(ChannelHandlerContext context, FileDescriptor descriptor) {
    var _ =
        context
            .writeAndFlush(descriptor)
            .addListener(
                sent -> {
                  try {
                    descriptor.close();
                  } catch (IOException e) {
                    LOG.warn("a chunk's descriptor cannot be closed: {}", e.getMessage());
                  }
                });
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
    if (event instanceof IdleStateEvent && !answering) {
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
