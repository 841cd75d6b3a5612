package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.kubelet.StandInCheckpoint.Entry;
import dev.aliquot.plugin.proto.podresources.AllocatableResourcesRequest;
import dev.aliquot.plugin.proto.podresources.AllocatableResourcesResponse;
import dev.aliquot.plugin.proto.podresources.ContainerDevices;
import dev.aliquot.plugin.proto.podresources.ContainerResources;
import dev.aliquot.plugin.proto.podresources.ListPodResourcesRequest;
import dev.aliquot.plugin.proto.podresources.ListPodResourcesResponse;
import dev.aliquot.plugin.proto.podresources.PodResources;
import dev.aliquot.plugin.proto.podresources.PodResourcesListerGrpc;
import io.grpc.stub.StreamObserver;

/**
 * Who has which ids, of active pods: one entry for each id, and ordinary init containers left out
 * (so in the kubelet's source).
 */
final class StandInPodResources extends PodResourcesListerGrpc.PodResourcesListerImplBase {
  private final String resource;
  private final StandInPods pods;
  private final StandInDevices devices;

  StandInPodResources(String resource, StandInPods pods, StandInDevices devices) {
    this.resource = resource;
    this.pods = pods;
    this.devices = devices;
  }

  @Override
  public void list(
      ListPodResourcesRequest request, StreamObserver<ListPodResourcesResponse> response) {
    ListPodResourcesResponse.Builder list = ListPodResourcesResponse.newBuilder();
    for (PodSpec spec : pods.all()) {
      PodResources.Builder pod =
          list.addPodResourcesBuilder().setNamespace(spec.namespace()).setName(spec.name());
      for (PodSpec.Container container : spec.containers()) {
        if (container.kind() != PodSpec.Kind.INIT) {
          pod.addContainers(resources(spec, container));
        }
      }
    }
    response.onNext(list.build());
    response.onCompleted();
  }

  @Override
  public void getAllocatableResources(
      AllocatableResourcesRequest request, StreamObserver<AllocatableResourcesResponse> response) {
    AllocatableResourcesResponse.Builder answer = AllocatableResourcesResponse.newBuilder();
    devices.healthy(resource).forEach(id -> answer.addDevices(device(resource, id)));
    response.onNext(answer.build());
    response.onCompleted();
  }

  private ContainerResources resources(PodSpec spec, PodSpec.Container container) {
    ContainerResources.Builder resources =
        ContainerResources.newBuilder().setName(container.name());
    // Another plugin's, as there are on most nodes.
    resources.addDevices(device("example.com/other", spec.name()));
    Entry entry = devices.entry(spec.uid(), container.name(), resource);
    if (entry != null) {
      entry.ids().forEach(id -> resources.addDevices(device(resource, id)));
    }
    return resources.build();
  }

  private static ContainerDevices device(String resource, String id) {
    return ContainerDevices.newBuilder().setResourceName(resource).addDeviceIds(id).build();
  }
}
