package dev.aliquot.agent.wire;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** All tenants' sockets, served by one thread. Thread-safe. */
public final class TenantSockets implements AutoCloseable {
  /** The longest path the kernel takes for a socket. */
  public static final int MAX_PATH_BYTES = 107;

  private static final int BACKLOG = 1024;

  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("aliquot-tenants", true), EpollIoHandler.newFactory());
  private final Duration idleTimeout;
  private final int maxConnections;
  private final int maxAsks;
  private final SocketEvents events;

  /**
   * @param idleTimeout how long a connection may say nothing
   * @param maxConnections of one tenant at a time, those with an ask not counted; more wait in the
   *     kernel's queue until one is closed. Also how many of its asks are answered at a time
   * @param maxAsks of one tenant, those that wait for their turn counted in; more are refused
   */
  public TenantSockets(Duration idleTimeout, int maxConnections, int maxAsks, SocketEvents events) {
    this.idleTimeout = idleTimeout;
    this.maxConnections = maxConnections;
    this.maxAsks = maxAsks;
    this.events = events;
  }

  /**
   * Serves a socket. A file of an earlier agent at that path is replaced.
   *
   * @throws IOException when it cannot be made there
   */
  public ServedSocket serve(Path path, TenantEndpoint endpoint) throws IOException {
    Files.deleteIfExists(path);
    ConnectionLimit limit = new ConnectionLimit(maxConnections, maxAsks);
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loop)
            .channel(EpollServerDomainSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .handler(limit)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    limit.opened(channel);
                    channel
                        .pipeline()
                        .addLast(
                            new IdleStateHandler(
                                idleTimeout.toMillis(), 0, 0, TimeUnit.MILLISECONDS))
                        .addLast(new FrameDecoder())
                        .addLast(new Connection(endpoint, events, limit));
                  }
                });
    var bound = bootstrap.bind(new DomainSocketAddress(path.toString())).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "cannot serve " + path + ": " + bound.cause().getMessage(), bound.cause());
    }
    return new ServedSocket(bound.channel(), limit, path);
  }

  @Override
  public void close() {
    loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
  }
}
