package dev.aliquot.plugin.kubelet;

import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.pod.ListedContainer;
import dev.aliquot.plugin.pod.PodSource;
import dev.aliquot.plugin.proto.podresources.ContainerDevices;
import dev.aliquot.plugin.proto.podresources.ContainerResources;
import dev.aliquot.plugin.proto.podresources.ListPodResourcesRequest;
import dev.aliquot.plugin.proto.podresources.ListPodResourcesResponse;
import dev.aliquot.plugin.proto.podresources.PodResourcesListerGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Asks the kubelet which containers have which ids, and reads its checkpoint. Thread-safe. */
public final class PodResources implements PodSource {
  /** Far below the 30 s after which the kubelet gives up a start; it answers within 40 ms. */
  private static final Duration DEADLINE = Duration.ofSeconds(5);

  private final Loops loops;
  private final KubeletPaths paths;
  private final CheckpointFile checkpoint;

  /** Connects at each question, so that a kubelet that was started again is found at once. */
  public PodResources(Loops loops, KubeletPaths paths) {
    this.loops = loops;
    this.paths = paths;
    this.checkpoint = new CheckpointFile(paths.checkpoint(), paths.resource());
  }

  @Override
  public Holders read() throws IOException {
    // The list first: what the checkpoint has more by then is of pods that came since.
    List<ListedContainer> listed = list();
    return new Holders(listed, checkpoint.read());
  }

  private List<ListedContainer> list() throws IOException {
    ManagedChannel channel = loops.channel(paths.podResources());
    try {
      return containers(
          PodResourcesListerGrpc.newBlockingStub(channel)
              .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
              .list(ListPodResourcesRequest.getDefaultInstance()));
    } catch (StatusRuntimeException e) {
      throw new IOException(
          "the kubelet does not say which pods have which devices ("
              + paths.podResources()
              + "): "
              + e.getStatus().getCode()
              + (e.getStatus().getDescription() == null
                  ? ""
                  : ", " + e.getStatus().getDescription()),
          e);
    } finally {
      channel.shutdownNow();
    }
  }

  private List<ListedContainer> containers(ListPodResourcesResponse response) {
    List<ListedContainer> containers = new ArrayList<>();
    for (var pod : response.getPodResourcesList()) {
      for (ContainerResources container : pod.getContainersList()) {
        SortedSet<String> ids = new TreeSet<>();
        for (ContainerDevices devices : container.getDevicesList()) {
          if (devices.getResourceName().equals(paths.resource())) {
            ids.addAll(devices.getDeviceIdsList());
          }
        }
        containers.add(
            new ListedContainer(pod.getNamespace(), pod.getName(), container.getName(), ids));
      }
    }
    return containers;
  }
}
