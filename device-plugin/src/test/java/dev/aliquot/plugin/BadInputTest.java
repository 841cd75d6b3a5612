package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.kubelet.Admission;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.KubeletPaths;
import dev.aliquot.plugin.kubelet.Loops;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.ledger.Wait;
import dev.aliquot.plugin.node.NotYetException;
import dev.aliquot.plugin.proto.deviceplugin.AllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerAllocateRequest;
import dev.aliquot.plugin.proto.deviceplugin.ContainerPreferredAllocationRequest;
import dev.aliquot.plugin.proto.deviceplugin.DevicePluginGrpc;
import dev.aliquot.plugin.proto.deviceplugin.PreStartContainerRequest;
import dev.aliquot.plugin.proto.deviceplugin.PreferredAllocationRequest;
import dev.aliquot.plugin.support.FakeNode;
import dev.aliquot.plugin.support.KubeletNode;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What nobody should send, and what goes wrong around the plugin. */
class BadInputTest {
  @Test
  void strangeCallsAreRefusedWithASentenceAndHarmNobody() throws Exception {
    try (KubeletNode node = KubeletNode.start(2, StandInBehaviour.NORMAL);
        Loops loops = new Loops()) {
      node.awaitUnits(200);
      ManagedChannel channel =
          loops.channel(
              new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE).plugin());
      var plugin = DevicePluginGrpc.newBlockingStub(channel);

      assertThatThrownBy(() -> plugin.allocate(allocate(List.of("nvidia0"))))
          .hasMessageContaining("INVALID_ARGUMENT")
          .hasMessageContaining("no id of this plugin");
      assertThatThrownBy(() -> plugin.allocate(allocate(List.of("x".repeat(100_000)))))
          .hasMessageContaining("no id of this plugin");
      assertThatThrownBy(() -> plugin.allocate(allocate(List.of()))).hasMessageContaining("no ids");
      assertThatThrownBy(() -> plugin.allocate(allocate(List.of("x".repeat(5 << 20)))))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e ->
                  assertThat(e.getStatus().getCode())
                      .isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED));
      assertThat(plugin.allocate(AllocateRequest.getDefaultInstance()).getContainerResponsesList())
          .isEmpty();
      assertThat(
              plugin
                  .getPreferredAllocation(
                      PreferredAllocationRequest.newBuilder()
                          .addContainerRequests(
                              ContainerPreferredAllocationRequest.newBuilder()
                                  .setAllocationSize(-5)
                                  .addAvailableDeviceIDs("odd"))
                          .build())
                  .getContainerResponses(0)
                  .getDeviceIDsList())
          .isEmpty();
      assertThatThrownBy(
              () ->
                  plugin.preStartContainer(
                      PreStartContainerRequest.newBuilder().addDevicesIds("nvidia0").build()))
          .hasMessageContaining("UNAVAILABLE");
      assertThatThrownBy(
              () ->
                  plugin.preStartContainer(
                      PreStartContainerRequest.newBuilder()
                          .addDevicesIds(FakeNode.uuid(0) + ".00")
                          .build()))
          .hasMessageContaining("names no container that has these 1 units");
      channel.shutdownNow();

      assertThat(node.kubelet().addPod(PodSpec.of("a", 50)).isAdmitted()).isTrue();
      assertThat(node.kubelet().startPod("a").error()).isEmpty();
    }
  }

  @Test
  void aDeviceThatWentAwayStaysListedAndItsPodsWaitWithASentence() throws Exception {
    try (KubeletNode node = KubeletNode.start(2, StandInBehaviour.NORMAL)) {
      node.awaitUnits(200);
      node.kubelet().addPod(PodSpec.of("a", 100));
      node.kubelet().startPod("a");
      String held = node.fake().grants.values().iterator().next().devices().getFirst();
      node.fake()
          .setDevices(node.fake().devices().stream().filter(d -> !d.uuid().equals(held)).toList());

      soon(() -> assertThat(node.kubelet().healthyUnits()).isEqualTo(100));
      assertThat(node.kubelet().units()).isEqualTo(200);
      assertThat(node.kubelet().startContainer("a", "main").error())
          .contains("device " + held + " is not on this node any more");
      node.kubelet().addPod(PodSpec.of("b", 100));
      assertThat(node.kubelet().startPod("b").error()).isEmpty();
    }
  }

  @Test
  void aPodThatVanishesBetweenAllocateAndStartLeavesNothing() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.kubelet().addPod(PodSpec.of("a", 80));
      node.kubelet().deletePod("a");

      node.kubelet().addPod(PodSpec.of("b", 90));
      assertThat(node.kubelet().startPod("b").error()).isEmpty();
      node.kubelet().deletePod("b");
      soon(() -> assertThat(node.plugin().view().grants()).isEmpty());
    }
  }

  @Test
  void whileTheKubeletIsAwayNothingIsFreed() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.kubelet().addPod(PodSpec.of("a", 80));
      node.kubelet().startPod("a");
      node.kubelet().stop();

      soon(() -> assertThat(node.plugin().view().podsTrouble()).contains("UNAVAILABLE"));
      Plugin plugin = node.plugin();
      long before = failures(plugin);
      soon(() -> assertThat(failures(plugin)).isGreaterThan(before + 5));
      assertThat(plugin.view().grants()).hasSize(1);
      assertThat(node.fake().released).isEmpty();
    }
  }

  @Test
  void aBindThatTakesLongHoldsNobodyElseUp() throws Exception {
    try (KubeletNode node = KubeletNode.start(2, StandInBehaviour.NORMAL)) {
      node.awaitUnits(200);
      CountDownLatch slow = new CountDownLatch(1);
      CountDownLatch binding = new CountDownLatch(1);
      node.fake().beforeBind =
          (grant, container) -> {
            if (container.pod().equals("slow")) {
              binding.countDown();
              await(slow);
            }
          };
      node.kubelet().addPod(PodSpec.of("slow", 50));
      CompletableFuture<ContainerStart> start =
          CompletableFuture.supplyAsync(() -> node.kubelet().startPod("slow"));
      await(binding);

      for (int i = 0; i < 3; i++) {
        assertThat(node.kubelet().addPod(PodSpec.of("quick" + i, 50)).isAdmitted()).isTrue();
        assertThat(node.kubelet().startPod("quick" + i).error()).isEmpty();
      }
      assertThat(node.kubelet().startPod("slow").error()).contains("still being prepared");
      assertThat(start).isNotDone();
      slow.countDown();
      assertThat(start.get().error()).isEmpty();
      assertThat(node.plugin().view().figures().of(Wait.BUSY)).isEqualTo(1);
    }
  }

  @Test
  void whatTheNodeSaysIsWhatTheUserReads() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.fake().beforeBind =
          (grant, container) -> {
            throw new NotYetException("4 GiB are not free yet");
          };
      node.kubelet().addPod(PodSpec.of("a", 50));
      assertThat(node.kubelet().startPod("a").error())
          .isEqualTo(
              "CreateContainerConfigError: device plugin PreStartContainer rpc failed with err:"
                  + " rpc error: code = Unavailable desc = 4 GiB are not free yet");
      assertThat(node.plugin().view().devices().getFirst().started()).isZero();

      node.fake().beforeBind =
          (grant, container) -> {
            throw new IllegalStateException("a fault");
          };
      assertThat(node.kubelet().startPod("a").error()).contains("the agent of this node failed");
      node.fake().beforeBind = (grant, container) -> {};
      assertThat(node.kubelet().startPod("a").error()).isEmpty();
    }
  }

  @Test
  void aGarbledCheckpointCostsThePodsUidAndNothingElse() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.kubelet().addPod(PodSpec.of("a", 50));
      Path checkpoint =
          new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE).checkpoint();
      byte[] whole = Files.readAllBytes(checkpoint);
      Files.write(checkpoint, Arrays.copyOf(whole, whole.length / 2));

      assertThat(node.kubelet().startPod("a").error()).isEmpty();
      assertThat(node.fake().bound.values())
          .allSatisfy(
              container -> {
                assertThat(container.pod()).isEqualTo("a");
                assertThat(container.podUid()).isEmpty();
              });
    }
  }

  @Test
  void sixThousandFourHundredIdsAreTakenAndGiven() throws Exception {
    try (KubeletNode node = KubeletNode.start(64, StandInBehaviour.NORMAL)) {
      node.awaitUnits(6400);
      List<String> all = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        assertThat(node.kubelet().addPod(PodSpec.of("w" + i, 200)).isAdmitted()).isTrue();
        assertThat(node.kubelet().startPod("w" + i).error()).isEmpty();
        all.addAll(node.kubelet().ids("w" + i, "main"));
      }
      assertThat(node.kubelet().addPod(PodSpec.of("most", 4000)).isAdmitted()).isTrue();
      assertThat(node.kubelet().startPod("most").error()).isEmpty();
      assertThat(all).doesNotHaveDuplicates();
      assertThat(node.fake().grants.values())
          .allSatisfy(grant -> assertThat(grant.devices()).hasSize(grant.ids().size() / 100));
    }
  }

  @Test
  void aNumaNodeIsToldWhereTheDeviceHasOne() throws Exception {
    StandInBehaviour restricted = new StandInBehaviour(true, true, Set.of(0), true, 1);
    try (KubeletNode node = KubeletNode.withoutPlugin(2, restricted)) {
      node.fake().setDevices(FakeNode.devices(2, OptionalInt.of(0)));
      node.kubelet().start();
      node.startPlugin();
      node.awaitUnits(200);
      assertThat(reasonOf(node, "a")).isEmpty();

      node.fake().setDevices(FakeNode.devices(2, OptionalInt.of(7)));
      soon(() -> assertThat(reasonOf(node, "b")).isEqualTo("TopologyAffinityError"));
      node.fake().setDevices(FakeNode.devices(2, OptionalInt.empty()));
      soon(() -> assertThat(reasonOf(node, "c")).isEmpty());
    }
  }

  /** Why a pod was not admitted; it is deleted again. */
  private static String reasonOf(KubeletNode node, String pod) {
    Admission admission = node.kubelet().addPod(PodSpec.of(pod, 50));
    if (admission.isAdmitted()) {
      node.kubelet().deletePod(pod);
    }
    return admission.reason();
  }

  private static long failures(Plugin plugin) {
    return plugin.view().figures().of(Count.RECONCILIATION_FAILURES);
  }

  private static AllocateRequest allocate(List<String> ids) {
    return AllocateRequest.newBuilder()
        .addContainerRequests(ContainerAllocateRequest.newBuilder().addAllDevicesIds(ids))
        .build();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
