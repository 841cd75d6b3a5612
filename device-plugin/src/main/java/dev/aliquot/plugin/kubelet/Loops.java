package dev.aliquot.plugin.kubelet;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The threads that all sockets of a plugin share, and how sockets are made. Thread-safe. */
public final class Loops implements AutoCloseable {
  /** The kubelet's own limit for what it reads. */
  private static final int MAX_REQUEST_BYTES = 4 << 20;

  /** A list of pods is larger than what is asked of a plugin. */
  private static final int MAX_RESPONSE_BYTES = 16 << 20;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("plugin-io", true), EpollIoHandler.newFactory());

  /** Calls run here; those that may take long are few at a time (see the service). */
  private final ExecutorService calls =
      Executors.newCachedThreadPool(new DefaultThreadFactory("plugin-call", true));

  /** Where calls run. */
  public Executor calls() {
    return calls;
  }

  NettyServerBuilder server(Path socket) {
    return NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toString()))
        .channelType(EpollServerDomainSocketChannel.class)
        .bossEventLoopGroup(group)
        .workerEventLoopGroup(group)
        // gRPC asks for it, and Netty logs at each connection that such sockets have none.
        .withChildOption(ChannelOption.SO_KEEPALIVE, null)
        .maxInboundMessageSize(MAX_REQUEST_BYTES)
        .executor(calls);
  }

  /** A channel that is connected at its first call. A Go server takes no path for an authority. */
  public ManagedChannel channel(Path socket) {
    return NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
        .channelType(EpollDomainSocketChannel.class)
        .eventLoopGroup(group)
        .usePlaintext()
        .overrideAuthority("localhost")
        .withOption(ChannelOption.SO_KEEPALIVE, null)
        .maxInboundMessageSize(MAX_RESPONSE_BYTES)
        .executor(calls)
        .build();
  }

  @Override
  public void close() {
    calls.shutdownNow();
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
  }
}
