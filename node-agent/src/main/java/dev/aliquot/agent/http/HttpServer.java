package dev.aliquot.agent.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A bounded HTTP/1.1 server, which answers HTTP/1.0 as well and closes after it. One event loop
 * thread that never runs a route; two workers with a short queue, beyond which the answer is 503; a
 * number of connections beyond which a new one takes the place of one that rests, or is closed
 * where none does; idle and half-sent connections are closed after the idle time. Whoever listens
 * to a stream keeps its connection and no worker.
 *
 * <p>Bounds: request line and headers 8 KiB, body 64 KiB.
 */
public final class HttpServer implements AutoCloseable {
  private static final int MOST_HEADER_BYTES = 8192;
  private static final int MOST_BODY_BYTES = 64 * 1024;
  private static final int WORKERS = 2;
  private static final int QUEUE = 64;

  private final MultiThreadIoEventLoopGroup loop;
  private final ThreadPoolExecutor workers;
  private final Channel channel;
  private final ChannelGroup open;

  private HttpServer(
      MultiThreadIoEventLoopGroup loop,
      ThreadPoolExecutor workers,
      Channel channel,
      ChannelGroup open) {
    this.open = open;
    this.loop = loop;
    this.workers = workers;
    this.channel = channel;
  }

  /**
   * Serves on TCP.
   *
   * @param port 0: any free one
   * @throws IOException with a sentence that says what to change
   */
  public static HttpServer tcp(String address, int port, Limits limits, List<Route> routes)
      throws IOException {
    try {
      InetSocketAddress where = new InetSocketAddress(InetAddress.getByName(address), port);
      return start("aliquot-http", EpollServerSocketChannel.class, where, limits, routes);
    } catch (IOException e) {
      throw new IOException(
          "cannot serve HTTP on "
              + address
              + " port "
              + port
              + " ("
              + e.getMessage()
              + "); choose others with http-address and http-port",
          e);
    }
  }

  /**
   * Serves on a unix socket, which must not exist.
   *
   * @throws IOException with a sentence that names the path
   */
  public static HttpServer unix(Path socket, Limits limits, List<Route> routes) throws IOException {
    try {
      return start(
          "aliquot-admin",
          EpollServerDomainSocketChannel.class,
          new DomainSocketAddress(socket.toFile()),
          limits,
          routes);
    } catch (IOException e) {
      throw new IOException("cannot serve the unix socket " + socket + ": " + e.getMessage(), e);
    }
  }

  private static HttpServer start(
      String name,
      Class<? extends ServerChannel> type,
      SocketAddress where,
      Limits limits,
      List<Route> routes)
      throws IOException {
    MultiThreadIoEventLoopGroup loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory(name, true), EpollIoHandler.newFactory());
    ThreadPoolExecutor workers =
        new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE),
            new DefaultThreadFactory(name + "-worker", true));
    workers.allowCoreThreadTimeOut(true);
    Connections connections = new Connections(limits.connections());
    ChannelGroup open = new DefaultChannelGroup(loop.next(), true);
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loop)
            .channel(type)
            .option(ChannelOption.SO_BACKLOG, 64)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    if (!connections.admit(connection)) {
                      var _ = connection.close();
                      return;
                    }
                    open.add(connection);
                    endSilently(connection, limits.idle());
                    connection
                        .pipeline()
                        .addLast(
                            new HttpServerCodec(
                                new HttpDecoderConfig()
                                    .setMaxInitialLineLength(MOST_HEADER_BYTES)
                                    .setMaxHeaderSize(MOST_HEADER_BYTES)))
                        .addLast(new HttpObjectAggregator(MOST_BODY_BYTES, true))
                        .addLast(new RequestHandler(routes, workers, connections, limits.idle()));
                  }
                });
    ChannelFuture bound = bootstrap.bind(where).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      workers.shutdownNow();
      var _ = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      Throwable cause = bound.cause();
      throw cause instanceof IOException failure
          ? failure
          : new IOException(cause.getMessage(), cause);
    }
    return new HttpServer(loop, workers, bound.channel(), open);
  }

  /** A peer that takes nothing for so long, and says nothing, is gone: its network may be. */
  private static void endSilently(Channel connection, Duration most) {
    if (connection instanceof EpollSocketChannel socket) {
      socket.config().setTcpUserTimeout((int) most.toMillis());
    }
  }

  /** Where it serves, with the port that was taken. */
  public SocketAddress address() {
    return channel.localAddress();
  }

  /**
   * Stops serving and closes every connection: an event loop that is shut down while it runs a task
   * does not always do that.
   */
  @Override
  public void close() {
    channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    workers.shutdown();
    open.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
    workers.shutdownNow();
  }
}
