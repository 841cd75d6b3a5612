package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** One run of the stand-in, from its start to its end. */
final class StandInProcess implements AutoCloseable {
  private static final long LOOK_MILLIS = 20;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final KubeletPaths paths;
  private final Random random;
  private final Consumer<StandInCall> calls;
  private final StandInDevices devices;
  private final List<Server> servers = new ArrayList<>();
  private final Thread watcher;
  private volatile boolean ended;

  StandInProcess(
      KubeletPaths paths,
      String resource,
      StandInBehaviour behaviour,
      Random random,
      LongSupplier nanos,
      StandInPods pods,
      AtomicReference<String> refusal,
      AtomicBoolean looksInFolder,
      Consumer<StandInCall> calls,
      int number)
      throws IOException {
    this.paths = paths;
    this.random = random;
    this.calls = calls;
    Path found = paths.folder().resolve("plugins_registry");
    for (Path folder :
        List.of(paths.devicePlugins(), found, paths.folder().resolve("pod-resources"))) {
      Files.createDirectories(folder);
    }
    wipeSockets(paths.devicePlugins());
    devices =
        new StandInDevices(behaviour, random, nanos, new StandInCheckpoint(paths.checkpoint()));
    serve(paths.podResources(), new StandInPodResources(resource, pods, devices), number);
    if (behaviour.takesCalls()) {
      serve(paths.kubelet(), new StandInRegistration(paths.devicePlugins(), this::take), number);
    } else {
      serve(paths.kubelet(), new StandInRegistration(paths.devicePlugins(), this::refuse), number);
    }
    StandInFolder folder = new StandInFolder(group, found, this::take, this::gone, refusal);
    watcher =
        Thread.ofPlatform()
            .daemon()
            .name("stand-in-folder")
            .unstarted(() -> watch(folder, looksInFolder));
    if (behaviour.findsPlugins()) {
      watcher.start();
    }
  }

  StandInDevices devices() {
    return devices;
  }

  @Override
  public void close() {
    ended = true;
    watcher.interrupt();
    devices.close();
    servers.forEach(Server::shutdownNow);
    try {
      watcher.join();
      for (Server server : servers) {
        server.awaitTermination(5, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
  }

  private void take(String resource, Path socket) throws StandInException {
    StandInEndpoint endpoint = StandInEndpoint.dial(group, socket, random, calls);
    devices.connected(resource, endpoint);
    // Not within the call to register, at whose end it would be cancelled.
    Context.ROOT.run(() -> endpoint.watch(list -> listed(resource, list), () -> gone(resource)));
  }

  private void refuse(String resource, Path socket) throws StandInException {
    throw new StandInException("this kubelet cannot be called");
  }

  private void listed(String resource, ListAndWatchResponse list) {
    if (!ended) {
      devices.listed(resource, list);
    }
  }

  private void gone(String resource) {
    if (!ended) {
      devices.disconnected(resource);
    }
  }

  private void watch(StandInFolder folder, AtomicBoolean looks) {
    try {
      while (!ended) {
        if (looks.get()) {
          folder.look();
        }
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (InterruptedException | IOException e) {
      // Ended.
    }
  }

  /** Bound elsewhere and moved to its place, because a socket's end removes the file it made. */
  private void serve(Path socket, BindableService service, int number) throws IOException {
    Path bound = paths.folder().resolve("k" + number + "." + servers.size());
    Files.deleteIfExists(bound);
    servers.add(
        NettyServerBuilder.forAddress(new DomainSocketAddress(bound.toString()))
            .channelType(EpollServerDomainSocketChannel.class)
            .bossEventLoopGroup(group)
            .workerEventLoopGroup(group)
            .withChildOption(ChannelOption.SO_KEEPALIVE, null)
            .addService(service)
            .build()
            .start());
    Files.move(bound, socket, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void wipeSockets(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
            .isOther()) {
          Files.delete(file);
        }
      }
    }
  }
}
