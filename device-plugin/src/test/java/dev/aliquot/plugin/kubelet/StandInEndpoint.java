package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.proto.deviceplugin.AllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.AllocateResponse;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerPreferredAllocationRequest;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginGrpc;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginOptions;
import dev.aliquot.plugin.proto.deviceplugin.Empty;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import dev.aliquot.plugin.proto.deviceplugin.PreStartContainerRequest;
import dev.aliquot.plugin.proto.deviceplugin.PreferredAllocationRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The kubelet's end of one plugin's socket. Thread-safe. */
final class StandInEndpoint {
  /** Go's default for a message that is read. */
  private static final int MAX_MESSAGE_BYTES = 4 << 20;

  private static final long DIAL_SECONDS = 10;
  private static final long PRE_START_SECONDS = 30;

  private final ManagedChannel channel;
  private final DevicePluginOptions options;
  private final Random order;
  private final Consumer<StandInCall> calls;

  private StandInEndpoint(
      ManagedChannel channel,
      DevicePluginOptions options,
      Random order,
      Consumer<StandInCall> calls) {
    this.channel = channel;
    this.options = options;
    this.order = order;
    this.calls = calls;
  }

  /** Connects and asks for the options, as a kubelet does before it takes a plugin. */
  static StandInEndpoint dial(
      EventLoopGroup group, Path socket, Random order, Consumer<StandInCall> calls)
      throws StandInException {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class)
            .eventLoopGroup(group)
            .usePlaintext()
            .overrideAuthority("localhost")
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .build();
    try {
      DevicePluginOptions options =
          DevicePluginGrpc.newBlockingStub(channel)
              .withWaitForReady()
              .withDeadlineAfter(DIAL_SECONDS, TimeUnit.SECONDS)
              .getDevicePluginOptions(Empty.getDefaultInstance());
      return new StandInEndpoint(channel, options, order, calls);
    } catch (StatusRuntimeException e) {
      channel.shutdownNow();
      throw new StandInException(
          "failed to dial device plugin: " + StandInException.go(e.getStatus()));
    }
  }

  DevicePluginOptions options() {
    return options;
  }

  /** Watches the devices until the stream ends. */
  void watch(Consumer<ListAndWatchResponse> devices, Runnable ended) {
    DevicePluginGrpc.newStub(channel)
        .listAndWatch(
            Empty.getDefaultInstance(),
            new StreamObserver<>() {
              @Override
              public void onNext(ListAndWatchResponse list) {
                devices.accept(list);
              }

              @Override
              public void onError(Throwable t) {
                channel.shutdownNow();
                ended.run();
              }

              @Override
              public void onCompleted() {
                channel.shutdownNow();
                ended.run();
              }
            });
  }

  List<String> preferred(Collection<String> available, Collection<String> must, int size)
      throws StandInException {
    List<String> asked = shuffled(available);
    calls.accept(new StandInCall("GetPreferredAllocation", asked));
    try {
      return DevicePluginGrpc.newBlockingStub(channel)
          .getPreferredAllocation(
              PreferredAllocationRequest.newBuilder()
                  .addContainerRequests(
                      ContainerPreferredAllocationRequest.newBuilder()
                          .addAllAvailableDeviceIDs(asked)
                          .addAllMustIncludeDeviceIDs(shuffled(must))
                          .setAllocationSize(size))
                  .build())
          .getContainerResponses(0)
          .getDeviceIDsList();
    } catch (StatusRuntimeException e) {
      throw new StandInException(
          "device plugin GetPreferredAllocation rpc failed with err: "
              + StandInException.go(e.getStatus()));
    }
  }

  AllocateResponse allocate(Collection<String> ids) throws StandInException {
    List<String> asked = shuffled(ids);
    calls.accept(new StandInCall("Allocate", asked));
    try {
      return DevicePluginGrpc.newBlockingStub(channel)
          .allocate(
              AllocateRequest.newBuilder()
                  .addContainerRequests(
                      ContainerAllocateRequest.newBuilder().addAllDevicesIds(asked))
                  .build());
    } catch (StatusRuntimeException e) {
      throw new StandInException(StandInException.go(e.getStatus()));
    }
  }

  void preStart(Collection<String> ids) throws StandInException {
    List<String> asked = shuffled(ids);
    calls.accept(new StandInCall("PreStartContainer", asked));
    try {
      var answered =
          DevicePluginGrpc.newBlockingStub(channel)
              .withDeadlineAfter(PRE_START_SECONDS, TimeUnit.SECONDS)
              .preStartContainer(
                  PreStartContainerRequest.newBuilder().addAllDevicesIds(asked).build());
      if (answered == null) {
        throw new IllegalStateException("no answer");
      }
    } catch (StatusRuntimeException e) {
      throw new StandInException(
          "device plugin PreStartContainer rpc failed with err: "
              + StandInException.go(e.getStatus()));
    }
  }

  void close() {
    channel.shutdownNow();
  }

  private List<String> shuffled(Collection<String> ids) {
    List<String> shuffled = new ArrayList<>(ids);
    synchronized (order) {
      Collections.shuffle(shuffled, order);
    }
    return shuffled;
  }
}
