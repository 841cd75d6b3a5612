package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.ledger.KeptGrant;
import dev.aliquot.plugin.support.KubeletNode;
import java.time.Duration;
import java.util.List;
import java.util.SortedSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The plugin is away for a while: the kubelet keeps its resource for five minutes. */
class PluginAwayTest {
  /** How long it is away, and what the kubelet then has and says. */
  enum Away {
    SHORT(
        Duration.ofSeconds(290),
        100,
        "endpoint " + PluginOptions.RESOURCE + " has been stopped",
        "no healthy devices present"),
    LONG(
        Duration.ofSeconds(310),
        0,
        "endpoint not found in cache for a registered resource",
        "cannot allocate unregistered device");

    final Duration time;
    final int capacity;
    final String atStart;
    final String atAdmission;

    Away(Duration time, int capacity, String atStart, String atAdmission) {
      this.time = time;
      this.capacity = capacity;
      this.atStart = atStart;
      this.atAdmission = atAdmission;
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoIsBackServesAgainAndEveryIdHasItsOwner(Away away) throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.kubelet().addPod(PodSpec.of("a", 60));
      String key = node.kubelet().startPod("a").given().getEnvsOrThrow("ALIQUOT_GRANT");
      assertThat(node.fake().bound).containsOnlyKeys(key);
      node.fake().released.clear();
      SortedSet<String> ids = node.kubelet().ids("a", "main");
      List<KeptGrant> grants = node.plugin().view().grants();

      node.stopPlugin();
      node.awaitUnits(0);
      node.skipForKubelet(away.time);
      node.kubelet().reportStatus();

      assertThat(node.kubelet().capacity()).isEqualTo(away.capacity);
      assertThat(node.kubelet().allocatable()).isZero();
      assertThat(node.kubelet().addPod(PodSpec.of("b", 40)).message()).contains("Insufficient");
      assertThat(node.kubelet().addPod(PodSpec.of("c", 40).withNodeName()).message())
          .contains(away.atAdmission);
      node.kubelet().endContainer("a", "main");
      assertThat(node.kubelet().startContainer("a", "main").error()).contains(away.atStart);

      node.startPlugin();
      node.awaitUnits(100);

      assertThat(node.kubelet().capacity()).isEqualTo(100);
      assertThat(node.plugin().view().grants()).isEqualTo(grants);
      assertThat(node.kubelet().startContainer("a", "main").error()).isEmpty();
      assertThat(node.kubelet().ids("a", "main")).isEqualTo(ids);
      assertThat(node.kubelet().addPod(PodSpec.of("b", 40)).isAdmitted()).isTrue();
      soon(() -> assertThat(node.kubelet().startPod("b").error()).isEmpty());
      assertThat(node.kubelet().ids("b", "main")).doesNotContainAnyElementsOf(ids);
      assertThat(node.fake().released).doesNotContain(key);
    }
  }
}
