package dev.aliquot.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PodCgroupTest {
  private static final String UID = "0f9c5a3e-1b2d-4c6f-8a7b-1234567890ab";
  private static final String SLICE_UID = UID.replace('-', '_');
  private static final String ID =
      "3f8f5f3d6a0a44f0a5f3b0b7d7f6a1c24fd5f6e7a8b9c0d1e2f3a4b5c6d7e8f9";
  private static final String STATIC_UID = "0123456789abcdef0123456789abcdef";
  private static final String OTHER_UID = "ffffffff-ffff-4fff-bfff-ffffffffffff";

  @ParameterizedTest
  @ValueSource(
      strings = {
        // systemd
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podSLICE.slice/cri-containerd-ID.scope",
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podSLICE.slice/crio-ID.scope",
        "/kubepods.slice/kubepods-podSLICE.slice/cri-containerd-ID.scope",
        "/kubepods.slice/kubepods-podSLICE.slice/docker-ID.scope",
        "/kubepods.slice/kubepods-podSLICE.slice/crio-ID.scope/container",
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-podSLICE.slice/cri-containerd-ID.scope",
        "/docker/0123456789ab/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podSLICE.slice/cri-containerd-ID.scope",
        "/system.slice/containerd.service/kubepods-burstable-podSLICE.slice:cri-containerd:ID",
        "/system.slice/containerd.service/kubepods-podSLICE.slice:cri-containerd:ID/inner",
        // cgroupfs
        "/kubepods/burstable/podUID/ID",
        "/kubepods/besteffort/podUID/ID/init.scope",
        "/kubepods/podUID/ID",
        "/kubepods/podUID/crio-ID",
        "/kubelet/kubepods/burstable/podUID/ID",
        "/docker/0123456789ab/kubepods/podUID/ID",
        // from inside of the agent's own
        "/../../kubepods-burstable-podSLICE.slice/cri-containerd-ID.scope",
        "/../../../podUID/ID",
        "/../../../burstable/podUID/ID",
        // what a container makes below its own
        "/kubepods/burstable/podUID/ID/kubepods/podOTHER/ID2",
        "/kubepods.slice/kubepods-podSLICE.slice/cri-containerd-ID.scope/kubepods.slice/kubepods-podOTHER.slice/crio-ID2.scope",
      })
  void aContainerIsFoundHoweverItsGroupIsNamed(String path) {
    assertThat(PodCgroup.parse(filled(path))).contains(new PodCgroup(UID, ID));
  }

  @Test
  void aStaticPodHasAHashForItsUid() {
    assertThat(PodCgroup.parse("/kubepods/burstable/pod" + STATIC_UID + "/" + ID))
        .contains(new PodCgroup(STATIC_UID, ID));
    assertThat(
            PodCgroup.parse(
                "/kubepods.slice/kubepods-pod" + STATIC_UID + ".slice/crio-" + ID + ".scope"))
        .contains(new PodCgroup(STATIC_UID, ID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "//",
        "kubepods/podUID/ID",
        "/user.slice/user-0.slice/session-1.scope",
        "/system.slice/containerd.service",
        "/docker/ID",
        "/kubepods",
        "/kubepods/podUID",
        "/kubepods/podUID/",
        "/kubepods.slice/kubepods-podSLICE.slice",
        "/kubepods.slice/kubepods-podSLICE.slice/crio-conmon-ID.scope",
        "/kubepods/podUID/crio-conmon-ID",
        "/kubepods/podUID/short",
        "/kubepods/podUID/../ID",
        "/kubepods/burstable/podnot-a-uid/ID",
        // a user's own group with such a name
        "/user.slice/podUID/ID",
        "/podUID/ID",
        "/burstable/podUID/ID",
        "/user/burstable/podUID/ID",
        // whose outermost pod has no container: the inner one does not count
        "/kubepods/podUID/x/kubepods/podOTHER/ID",
      })
  void whatIsNoContainerOfAPodIsNone(String path) {
    assertThat(PodCgroup.parse(filled(path))).isEmpty();
  }

  private static String filled(String path) {
    return path.replace("ID2", "a".repeat(64))
        .replace("OTHER.", OTHER_UID.replace('-', '_') + ".")
        .replace("OTHER", OTHER_UID)
        .replace("SLICE", SLICE_UID)
        .replace("podUID", "pod" + UID)
        .replace("ID", ID);
  }

  /** Whatever a container calls the groups that it makes. */
  @Test
  void whatIsBelowAContainersGroupChangesNothing() {
    List<String> names =
        List.of(
            "kubepods",
            "kubepods.slice",
            "pod" + OTHER_UID,
            "kubepods-pod" + OTHER_UID.replace('-', '_') + ".slice",
            "kubepods-pod" + STATIC_UID + ".slice:cri-containerd:" + "b".repeat(64),
            "..",
            "a".repeat(64),
            "burstable",
            "");
    qt().forAll(lists().of(integers().between(0, names.size() - 1)).ofSizeBetween(0, 8))
        .checkAssert(
            below -> {
              StringBuilder path = new StringBuilder("/kubepods/pod" + UID + "/" + ID);
              below.forEach(name -> path.append('/').append(names.get(name)));
              assertThat(PodCgroup.parse(path.toString())).contains(new PodCgroup(UID, ID));
            });
  }

  @Test
  void aTextLongerThanAnyPathIsRefusedQuickly() {
    assertThat(PodCgroup.parse("/" + "kubepods-".repeat(1 << 20))).isEmpty();
    assertThat(PodCgroup.parse("/" + "-".repeat(4000) + "kubepods-pod.slice/x")).isEmpty();
  }

  @FuzzTest(maxDuration = "20s")
  void anyTextIsReadWithoutAnError(FuzzedDataProvider data) {
    Optional<PodCgroup> pod = PodCgroup.parse(data.consumeRemainingAsString());
    pod.ifPresent(
        found -> {
          assertThat(found.podUid()).matches("[0-9a-f-]{32,36}");
          assertThat(found.containerId()).matches("[0-9a-f]{12,128}");
        });
  }

  @Test
  void whatAUserOfTheMachineMayNameIsNoPod() {
    assertThat(
            PodCgroup.parse(
                "/user.slice/user-1000.slice/user@1000.service/kubepods/burstable/pod"
                    + STATIC_UID
                    + "/"
                    + ID))
        .isEmpty();
  }
}
