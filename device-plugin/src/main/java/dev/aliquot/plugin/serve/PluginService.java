package dev.aliquot.plugin.serve;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.NeverException;
import dev.aliquot.plugin.ledger.NotYet;
import dev.aliquot.plugin.ledger.Wait;
import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.Node;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.proto.deviceplugin.AllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.AllocateResponse;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerPreferredAllocationRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerPreferredAllocationResponse;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginGrpc;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginOptions;
import dev.aliquot.plugin.proto.deviceplugin.Empty;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import dev.aliquot.plugin.proto.deviceplugin.PreStartContainerRequest;
import dev.aliquot.plugin.proto.deviceplugin.PreStartContainerResponse;
import dev.aliquot.plugin.proto.deviceplugin.PreferredAllocationRequest;
import dev.aliquot.plugin.proto.deviceplugin.PreferredAllocationResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The device plugin as the kubelet calls it. Allocate fails a pod for good if it fails, and holds
 * up the whole node while it runs, so that it answers from memory and refuses only what can never
 * work; all that may have to wait is said before the start.
 */
public final class PluginService extends DevicePluginGrpc.DevicePluginImplBase
    implements AutoCloseable {
  /** What GetDevicePluginOptions answers. */
  public static final DevicePluginOptions OPTIONS =
      DevicePluginOptions.newBuilder()
          .setPreStartRequired(true)
          .setGetPreferredAllocationAvailable(true)
          .build();

  private static final Logger LOG = LoggerFactory.getLogger(PluginService.class);

  private final Node node;
  private final Ledger ledger;
  private final Starter starter;
  private final Counters counters;
  private final LongSupplier nanos;
  private final Runnable changed;
  private final Watchers watchers;

  /**
   * @param changed called when the ledger has changed; does not block
   * @param opened called when a kubelet begins to watch the devices
   * @param ended called when one has stopped
   */
  public PluginService(
      Node node,
      Ledger ledger,
      Starter starter,
      Counters counters,
      LongSupplier nanos,
      Runnable changed,
      Runnable opened,
      Runnable ended) {
    this.node = node;
    this.ledger = ledger;
    this.starter = starter;
    this.counters = counters;
    this.nanos = nanos;
    this.changed = changed;
    watchers = new Watchers(new DeviceList(node), counters, nanos, opened, ended);
    node.whenDevicesChange(watchers::changed);
  }

  @Override
  public void getDevicePluginOptions(Empty request, StreamObserver<DevicePluginOptions> response) {
    response.onNext(OPTIONS);
    response.onCompleted();
  }

  @Override
  public void listAndWatch(Empty request, StreamObserver<ListAndWatchResponse> response) {
    watchers.add((ServerCallStreamObserver<ListAndWatchResponse>) response);
  }

  @Override
  public void getPreferredAllocation(
      PreferredAllocationRequest request, StreamObserver<PreferredAllocationResponse> response) {
    PreferredAllocationResponse.Builder answer = PreferredAllocationResponse.newBuilder();
    try {
      List<NodeDevice> devices = node.devices();
      for (ContainerPreferredAllocationRequest container : request.getContainerRequestsList()) {
        Set<String> over =
            ledger.offered(container.getAvailableDeviceIDsList()).stream()
                .filter(key -> !node.isInUse(key))
                .collect(Collectors.toUnmodifiableSet());
        answer.addContainerResponses(
            ContainerPreferredAllocationResponse.newBuilder()
                .addAllDeviceIDs(
                    ledger.prefer(
                        over,
                        container.getAvailableDeviceIDsList(),
                        container.getMustIncludeDeviceIDsList(),
                        container.getAllocationSize(),
                        devices)));
      }
      counters.add(Count.PREFERENCES);
    } catch (RuntimeException e) {
      // An error would fail the pod; without a preference the kubelet takes any.
      LOG.warn("no preferred ids could be found", e);
      answer.clear();
      request
          .getContainerRequestsList()
          .forEach(
              container ->
                  answer.addContainerResponses(
                      ContainerPreferredAllocationResponse.getDefaultInstance()));
    }
    response.onNext(answer.build());
    response.onCompleted();
  }

  @Override
  public void allocate(AllocateRequest request, StreamObserver<AllocateResponse> response) {
    long startNanos = nanos.getAsLong();
    AllocateResponse.Builder answer = AllocateResponse.newBuilder();
    try {
      for (ContainerAllocateRequest container : request.getContainerRequestsList()) {
        Grant grant = ledger.allocate(container.getDevicesIdsList(), node.devices(), startNanos);
        answer.addContainerResponses(Answers.of(grant, node.injection(grant)));
        counters.add(Count.ALLOCATIONS);
      }
    } catch (NeverException e) {
      counters.add(Count.REFUSALS);
      response.onError(
          Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException());
      return;
    } finally {
      changed.run();
      counters.allocateTook(Duration.ofNanos(nanos.getAsLong() - startNanos));
    }
    response.onNext(answer.build());
    response.onCompleted();
  }

  @Override
  public void preStartContainer(
      PreStartContainerRequest request, StreamObserver<PreStartContainerResponse> response) {
    // The kubelet gives up after 30 s and asks again; what is being made is made all the same.
    ((ServerCallStreamObserver<PreStartContainerResponse>) response).setOnCancelHandler(() -> {});
    try {
      starter.start(request.getDevicesIdsList());
      counters.add(Count.STARTS);
    } catch (NotYet e) {
      refuse(response, e.why(), String.valueOf(e.getMessage()));
      return;
    } catch (RuntimeException e) {
      LOG.error("a container could not be started", e);
      refuse(response, Wait.FAULT, "the agent of this node failed: " + e);
      return;
    }
    response.onNext(PreStartContainerResponse.getDefaultInstance());
    response.onCompleted();
  }

  @Override
  public void close() {
    watchers.close();
  }

  private void refuse(
      StreamObserver<PreStartContainerResponse> response, Wait why, String sentence) {
    counters.waited(why);
    response.onError(Status.UNAVAILABLE.withDescription(sentence).asRuntimeException());
  }
}
