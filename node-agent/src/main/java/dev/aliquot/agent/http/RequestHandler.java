package dev.aliquot.agent.http;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: reads a request, has a worker answer it, writes the answer, in that order. Once
 * it listens to a stream, it asks nothing any more.
 */
final class RequestHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);

  private final List<Route> routes;
  private final Executor workers;
  private final Connections connections;
  private final Duration deadline;
  private boolean busy;
  private String known = "";
  private @Nullable Runnable leave;
  private @Nullable Future<?> expected;

  RequestHandler(List<Route> routes, Executor workers, Connections connections, Duration deadline) {
    this.connections = connections;
    this.routes = routes;
    this.workers = workers;
    this.deadline = deadline;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    expectRequest(context);
  }

  /**
   * A whole request must arrive, and the answer before it be taken, within the deadline: a peer
   * that sends or reads byte by byte holds a connection no longer than one that does nothing.
   */
  private void expectRequest(ChannelHandlerContext context) {
    noLongerExpect();
    expected =
        context
            .executor()
            .schedule(() -> closeQuietly(context), deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static void closeQuietly(ChannelHandlerContext context) {
    var _ = context.close();
  }

  /** Takes the deadline out of the timer's queue: a busy connection must not fill it. */
  private void noLongerExpect() {
    if (expected != null) {
      expected.cancel(false);
      expected = null;
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    noLongerExpect();
    if (leave != null) {
      leave.run();
    }
    super.channelInactive(context);
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    if (leave != null) {
      var _ = context.close();
      return;
    }
    noLongerExpect();
    connections.works(context.channel());
    known = request.headers().get(HttpHeaderNames.IF_NONE_MATCH, "");
    // one of HTTP/1.0 is answered and closed, whatever it asks for
    boolean chunks = request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) >= 0;
    boolean keepAlive = chunks && HttpUtil.isKeepAlive(request);
    boolean bodyless = request.method().name().equals("HEAD");
    if (request.decoderResult().isFailure()) {
      write(
          context,
          Response.error(400, "the request is not valid HTTP", "send an HTTP/1.1 request"),
          false,
          false);
      return;
    }
    if (busy) {
      write(
          context,
          Response.error(
              400, "requests must wait for the answer before", "send one request at a time"),
          false,
          false);
      return;
    }
    String method = request.method().name();
    String path = path(request.uri());
    byte[] body = ByteBufUtil.getBytes(request.content());
    busy = true;
    context.channel().config().setAutoRead(false);
    try {
      workers.execute(
          () -> {
            Answer answer = answer(context.channel(), method, path, body);
            context.executor().execute(() -> finish(context, answer, chunks, keepAlive, bodyless));
          });
    } catch (RejectedExecutionException e) {
      finish(
          context,
          Response.error(503, "too many requests at once", "try again later"),
          chunks,
          false,
          bodyless);
    }
  }

  private static String path(String uri) {
    try {
      return new QueryStringDecoder(uri).path();
    } catch (IllegalArgumentException e) {
      return uri;
    }
  }

  private Answer answer(Channel channel, String method, String path, byte[] body) {
    try {
      return Route.dispatch(routes, method, path, body, caller(channel));
    } catch (Exception e) {
      LOG.error("answering {} {} failed", method, path, e);
      return Response.error(500, "the agent failed to answer: " + e, "see the agent's log");
    }
  }

  private static Caller caller(Channel channel) throws IOException {
    if (!(channel instanceof EpollDomainSocketChannel socket)) {
      return Caller.NOBODY;
    }
    PeerCredentials peer = socket.peerCredentials();
    int gid = peer.gids().length > 0 ? peer.gids()[0] : -1;
    return new Caller(peer.pid(), peer.uid(), gid);
  }

  private void finish(
      ChannelHandlerContext context,
      Answer answer,
      boolean chunks,
      boolean keepAlive,
      boolean bodyless) {
    switch (answer) {
      case Response response -> write(context, response, keepAlive, bodyless);
      case EventStream<?> _ when bodyless ->
          write(context, new Response(200, Response.EVENTS, new byte[0]), keepAlive, true);
      case EventStream<?> stream -> listen(context, stream, chunks, keepAlive);
    }
    if (leave == null && context.channel().isActive()) {
      expectRequest(context);
    }
  }

  private void listen(
      ChannelHandlerContext context, EventStream<?> stream, boolean chunks, boolean keepAlive) {
    Listening listening = new Listening(context, deadline, chunks);
    if (!context.channel().isActive()) {
      return;
    }
    if (!stream.join(listening)) {
      Response full =
          Response.error(
              503,
              "as many listen as may, or the agent is stopping",
              "ask again later, or for the state alone: GET /api/v1/node");
      write(context, full, keepAlive, false);
      return;
    }
    leave = () -> stream.leave(listening);
    listening.begin();
    // its end is noticed by reading
    context.channel().config().setAutoRead(true);
  }

  private void write(
      ChannelHandlerContext context, Response response, boolean keepAlive, boolean bodyless) {
    boolean same = response.status() == 200 && isKnown(response.headers().get("etag"));
    FullHttpResponse out =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            same ? HttpResponseStatus.NOT_MODIFIED : HttpResponseStatus.valueOf(response.status()),
            bodyless || same ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(response.body()));
    out.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, response.contentType())
        .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
        .set("x-content-type-options", "nosniff")
        .setInt(HttpHeaderNames.CONTENT_LENGTH, response.body().length);
    response.headers().forEach(out.headers()::set);
    HttpUtil.setKeepAlive(out, keepAlive);
    context
        .writeAndFlush(out)
        .addListener(keepAlive ? written -> taken(context) : ChannelFutureListener.CLOSE);
  }

  /**
   * Nothing is read before: a peer that asks and does not take its answers gets no more of them.
   */
  private void taken(ChannelHandlerContext context) {
    busy = false;
    connections.rests(context.channel());
    context.channel().config().setAutoRead(true);
    if (context.channel().isActive()) {
      expectRequest(context);
    }
  }

  /** Whether the peer has what has this tag; a proxy may have made a tag a weak one. */
  private boolean isKnown(@Nullable String tag) {
    return tag != null
        && Arrays.stream(known.split(",", -1))
            .map(each -> each.strip().replaceFirst("^W/", ""))
            .anyMatch(tag::equals);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("connection closed after {}", cause.toString());
    var _ = context.close();
  }
}
