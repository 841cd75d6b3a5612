package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.pluginregistration.InfoRequest;
import dev.aliquot.plugin.proto.pluginregistration.PluginInfo;
import dev.aliquot.plugin.proto.pluginregistration.RegistrationGrpc;
import dev.aliquot.plugin.proto.pluginregistration.RegistrationStatus;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * How a kubelet finds plugins in its folder: each socket file that is new there is asked who it is,
 * and told how it went. One that fails is tried again after a while. Used by one thread.
 */
final class StandInFolder {
  private static final long GET_INFO_SECONDS = 1;
  private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final EventLoopGroup group;
  private final Path folder;
  private final StandInRegistration.Taker taker;
  private final Consumer<String> gone;
  private final AtomicReference<String> refusal;
  private final Map<Path, Found> found = new HashMap<>();

  private record Found(SocketId id, String resource, boolean taken, long notBefore) {}

  StandInFolder(
      EventLoopGroup group,
      Path folder,
      StandInRegistration.Taker taker,
      Consumer<String> gone,
      AtomicReference<String> refusal) {
    this.group = group;
    this.folder = folder;
    this.taker = taker;
    this.gone = gone;
    this.refusal = refusal;
  }

  void look() throws IOException {
    Map<Path, SocketId> there = new HashMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        SocketId.of(file).ifPresent(id -> there.put(file, id));
      }
    }
    found
        .entrySet()
        .removeIf(
            known -> {
              boolean away = !known.getValue().id().equals(there.get(known.getKey()));
              if (away && known.getValue().taken()) {
                gone.accept(known.getValue().resource());
              }
              return away;
            });
    for (Map.Entry<Path, SocketId> socket : there.entrySet()) {
      Found known = found.get(socket.getKey());
      if (known == null || (!known.taken() && System.nanoTime() > known.notBefore())) {
        found.put(socket.getKey(), ask(socket.getKey(), socket.getValue()));
      }
    }
  }

  private Found ask(Path socket, SocketId id) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class)
            .eventLoopGroup(group)
            .usePlaintext()
            .overrideAuthority("localhost")
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .build();
    String resource = "";
    boolean taken = false;
    try {
      RegistrationGrpc.RegistrationBlockingStub plugin = RegistrationGrpc.newBlockingStub(channel);
      PluginInfo info =
          plugin
              .withDeadlineAfter(GET_INFO_SECONDS, TimeUnit.SECONDS)
              .getInfo(InfoRequest.getDefaultInstance());
      resource = info.getName();
      String error = take(info);
      taken = error.isEmpty();
      var told =
          plugin
              .withDeadlineAfter(10, TimeUnit.SECONDS)
              .notifyRegistrationStatus(
                  RegistrationStatus.newBuilder()
                      .setPluginRegistered(taken)
                      .setError(error)
                      .build());
      if (told == null) {
        throw new IllegalStateException("no answer");
      }
    } catch (StatusRuntimeException e) {
      // It is asked again.
    } finally {
      channel.shutdownNow();
    }
    return new Found(id, resource, taken, System.nanoTime() + AGAIN_NANOS);
  }

  private String take(PluginInfo info) {
    String refused = refusal.getAndSet("");
    if (!refused.isEmpty()) {
      return refused;
    }
    try {
      if (!info.getType().equals("DevicePlugin")
          || !info.getSupportedVersionsList().contains("v1beta1")) {
        throw new StandInException("plugin of an unknown type or version");
      }
      StandInRegistration.check(info.getName());
      taker.take(info.getName(), Path.of(info.getEndpoint()));
      return "";
    } catch (StandInException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
