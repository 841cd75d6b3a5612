package dev.aliquot.plugin;

import static dev.aliquot.plugin.kubelet.PodSpec.app;
import static dev.aliquot.plugin.kubelet.PodSpec.init;
import static dev.aliquot.plugin.kubelet.PodSpec.sidecar;
import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.Admission;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.kubelet.Way;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.support.KubeletNode;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The whole way of a pod, over real sockets. */
class PluginFlowTest {
  private KubeletNode node;

  @BeforeEach
  void start() throws Exception {
    node = KubeletNode.start(2, StandInBehaviour.NORMAL);
    node.awaitUnits(200);
  }

  @AfterEach
  void end() throws Exception {
    node.close();
  }

  @Test
  void aPodGetsAPartOfADeviceAndIsBoundToIt() {
    assertThat(node.kubelet().addPod(PodSpec.of("a", 25)).isAdmitted()).isTrue();

    ContainerStart start = node.kubelet().startPod("a");

    assertThat(start.runs()).as(start.error()).isTrue();
    String key = start.given().getEnvsOrThrow("ALIQUOT_GRANT");
    assertThat(key).matches("[0-9a-f]{16}");
    assertThat(start.given().getMounts(0).getHostPath()).isEqualTo("/lasting/" + key);
    assertThat(node.fake().grants.get(key).ids()).isEqualTo(node.kubelet().ids("a", "main"));
    assertThat(node.fake().grants.get(key).unitsPerDevice()).isEqualTo(25);
    PodContainer bound = node.fake().bound.get(key);
    assertThat(bound.pod()).isEqualTo("a");
    assertThat(bound.namespace()).isEqualTo("default");
    assertThat(bound.container()).isEqualTo("main");
    assertThat(bound.podUid()).hasSize(36);
  }

  @Test
  void aContainerThatIsStartedAgainKeepsWhatItHasWithoutAnotherAllocate() {
    node.kubelet().addPod(PodSpec.of("a", 100));
    ContainerStart first = node.kubelet().startPod("a");
    node.kubelet().endContainer("a", "main");

    ContainerStart second = node.kubelet().startContainer("a", "main");

    assertThat(second.runs()).isTrue();
    assertThat(second.given()).isEqualTo(first.given());
    assertThat(node.kubelet().calls("Allocate")).hasSize(1);
    assertThat(node.kubelet().calls("PreStartContainer")).hasSize(2);
    assertThat(node.fake().bound).hasSize(1);
  }

  @Test
  void theUnitsOfADeletedPodAreFreedAndItsTenantIsReleased() {
    node.kubelet().addPod(PodSpec.of("a", 60));
    String key = node.kubelet().startPod("a").given().getEnvsOrThrow("ALIQUOT_GRANT");
    node.kubelet().deletePod("a");

    soon(() -> assertThat(node.fake().released).contains(key));
    soon(() -> assertThat(node.plugin().view().grants()).isEmpty());
    assertThat(node.plugin().view().devices()).allMatch(units -> units.granted() == 0);
  }

  @Test
  void whoHasLostTheLedgerCountsContainersThatRunAsStarted() throws Exception {
    node.kubelet().addPod(PodSpec.of("runs", 60));
    node.fake().inUse.add(node.kubelet().startPod("runs").given().getEnvsOrThrow("ALIQUOT_GRANT"));
    node.kubelet().addPod(PodSpec.of("waits", 30));
    List<KeptGrant> known = node.plugin().view().grants();
    node.stopPlugin();
    Files.delete(node.options().stateFile());

    node.startPlugin();
    node.awaitUnits(200);

    assertThat(node.plugin().view().grants()).containsExactlyInAnyOrderElementsOf(known);
    assertThat(node.plugin().view().devices())
        .extracting(PluginView.Units::started)
        .containsExactlyInAnyOrder(60, 0);
  }

  @Test
  void anInitContainersIdsAreHandedOnAndCountOnce() {
    Admission admission =
        node.kubelet()
            .addPod(
                PodSpec.of(
                    "a",
                    init("prepare", 30),
                    sidecar("watch", 10),
                    app("one", 20),
                    app("two", 50)));
    assertThat(admission.isAdmitted()).as(admission.message()).isTrue();

    assertThat(node.kubelet().startPod("a").runs()).isTrue();

    soon(
        () -> {
          var units = node.plugin().view().devices();
          assertThat(units.get(0).started() + units.get(1).started()).isEqualTo(80);
        });
    assertThat(node.fake().bound.values())
        .extracting(PodContainer::container)
        .containsExactlyInAnyOrder("watch", "one", "two");
    assertThat(node.fake().released).hasSize(1);
  }

  @Test
  void aBrokenDeviceIsToldAndHoldsBackOnlyItsOwnContainers() {
    node.kubelet().addPod(PodSpec.of("a", 50));
    node.kubelet().startPod("a");
    String device = node.fake().grants.values().iterator().next().devices().getFirst();
    int index = device.equals(node.fake().devices().get(0).uuid()) ? 0 : 1;

    node.fake().setHealthy(index, false);

    soon(() -> assertThat(node.kubelet().healthyUnits()).isEqualTo(100));
    assertThat(node.kubelet().units()).isEqualTo(200);
    assertThat(node.kubelet().startContainer("a", "main").error())
        .contains("it fell off the bus")
        .contains("CreateContainerConfigError")
        .contains("code = Unavailable");
    node.kubelet().addPod(PodSpec.of("b", 50));
    assertThat(node.kubelet().startPod("b").runs()).isTrue();

    node.fake().setHealthy(index, true);
    soon(() -> assertThat(node.kubelet().healthyUnits()).isEqualTo(200));
    assertThat(node.kubelet().startContainer("a", "main").runs()).isTrue();
  }

  @Test
  void anAmountThatIsNoWholeNumberOfDevicesIsRefusedWithASentence() {
    Admission admission = node.kubelet().addPod(PodSpec.of("a", 150));

    assertThat(admission.reason()).isEqualTo("UnexpectedAdmissionError");
    assertThat(admission.message())
        .startsWith("Pod was rejected: Allocate failed due to rpc error: code = InvalidArgument")
        .contains("150 is neither a part of one device nor a number of whole devices");
  }

  @Test
  void itIsFoundInTheFolderFirst() {
    soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.FOLDER));
    assertThat(node.plugin().view().registration().streams()).isEqualTo(1);
  }
}
