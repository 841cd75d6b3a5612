package dev.aliquot.plugin;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.kubelet.KubeletPaths;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.kubelet.StandInBehaviour;
import dev.aliquot.plugin.kubelet.Way;
import dev.aliquot.plugin.support.KubeletNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A kubelet that is started again, and one that behaves oddly. */
class KubeletRestartTest {
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void fiftyRestartsInARowLeaveEveryIdWithItsOwner(boolean findsPlugins) throws Exception {
    StandInBehaviour behaviour =
        findsPlugins ? StandInBehaviour.NORMAL : StandInBehaviour.ONLY_CALLED;
    try (KubeletNode node = KubeletNode.start(4, behaviour)) {
      node.awaitUnits(400);
      List<SortedSet<String>> before = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        assertThat(node.kubelet().addPod(PodSpec.of("p" + i, 40)).isAdmitted()).isTrue();
        assertThat(node.kubelet().startPod("p" + i).runs()).isTrue();
        before.add(node.kubelet().ids("p" + i, "main"));
      }
      for (int restart = 0; restart < 50; restart++) {
        node.kubelet().restart();
        node.awaitUnits(400);
        int pod = restart % 8;
        assertThat(node.kubelet().ids("p" + pod, "main")).isEqualTo(before.get(pod));
        node.kubelet().endContainer("p" + pod, "main");
        soon(() -> assertThat(node.kubelet().startContainer("p" + pod, "main").error()).isEmpty());
      }
      assertThat(node.kubelet().calls("Allocate")).hasSize(8);
      soon(
          () ->
              assertThat(node.plugin().view().registration().way())
                  .isEqualTo(findsPlugins ? Way.FOLDER : Way.CALL));
      assertThat(node.plugin().view().devices()).allMatch(units -> units.started() == 80);
      assertThat(node.fake().released)
          .as("grants %s, pods %s", node.plugin().view().grants(), before)
          .isEmpty();
    }
  }

  @Test
  void aKubeletThatDoesNotLookThroughItsFolderIsCalled() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.ONLY_CALLED)) {
      node.awaitUnits(100);
      soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.CALL));
    }
  }

  @Test
  void aKubeletThatComesLaterIsRegisteredWith() throws Exception {
    try (KubeletNode node = KubeletNode.withoutPlugin(1, StandInBehaviour.ONLY_CALLED)) {
      node.startPlugin();
      soon(() -> assertThat(node.plugin().view().registration().way()).isNull());
      node.kubelet().start();
      node.awaitUnits(100);
    }
  }

  @Test
  void aPodWhoseContainerDiedWithTheKubeletIsStartedOnceThePluginIsBack() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      node.kubelet().addPod(PodSpec.of("a", 50));
      node.kubelet().startPod("a");
      node.kubelet().stop();
      node.kubelet().endContainer("a", "main");
      node.kubelet().start();
      node.awaitUnits(100);

      assertThat(node.kubelet().readmitPods()).isEmpty();
      assertThat(node.kubelet().startContainer("a", "main").runs()).isTrue();
    }
  }

  @Test
  void anotherInstancesEndMakesItRegisterAgain() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.ONLY_CALLED)) {
      node.awaitUnits(100);
      Plugin older = node.plugin();
      node.startPlugin();
      soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.CALL));
      older.close();

      soon(
          () ->
              assertThat(node.plugin().view().figures().of(Count.REGISTRATIONS_BY_CALL))
                  .isGreaterThan(1));
      node.awaitUnits(100);
    }
  }

  @Test
  void aKubeletThatFindsItAfterItWasCalledWatchesTwiceAndIsFedTwice() throws Exception {
    try (KubeletNode node = KubeletNode.withoutPlugin(2, StandInBehaviour.NORMAL)) {
      node.kubelet().lookInFolder(false);
      node.kubelet().start();
      node.startPlugin();
      node.awaitUnits(200);
      soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.CALL));

      node.kubelet().lookInFolder(true);

      soon(() -> assertThat(node.plugin().view().registration().streams()).isEqualTo(2));
      soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.FOLDER));
      node.fake().setHealthy(0, false);
      node.awaitUnits(100);
      node.fake().setHealthy(0, true);
      node.awaitUnits(200);
      node.kubelet().restart();
      node.awaitUnits(200);
    }
  }

  @Test
  void oneThatWasRefusedIsOfferedAgain() throws Exception {
    try (KubeletNode node = KubeletNode.withoutPlugin(1, StandInBehaviour.NORMAL)) {
      node.kubelet().refuseNextFound("no room for plugins today");
      node.kubelet().start();
      node.startPlugin();

      soon(
          () ->
              assertThat(node.plugin().view().registration().lastError())
                  .contains("no room for plugins today"));
      node.awaitUnits(100);
      soon(() -> assertThat(node.plugin().view().registration().way()).isEqualTo(Way.FOLDER));
    }
  }

  @Test
  void aListThatIsTooLongForTheKubeletIsShownAndTriedNowAndThen() throws Exception {
    try (KubeletNode node = KubeletNode.start(1_000, StandInBehaviour.NORMAL)) {
      soon(
          () ->
              assertThat(node.plugin().view().figures().of(Count.REGISTRATION_FAILURES))
                  .isGreaterThanOrEqualTo(2));
      assertThat(node.plugin().view().registration().lastError())
          .contains("the kubelet has stopped watching the devices");
      assertThat(node.kubelet().healthyUnits()).isZero();

      node.fake().setDevices(node.fake().devices().subList(0, 2));
      assertThat(node.plugin().view().devices()).hasSize(2);
    }
  }

  @Test
  void socketsThatSomebodyRemovesAreMadeAnew() throws Exception {
    try (KubeletNode node = KubeletNode.start(1, StandInBehaviour.NORMAL)) {
      node.awaitUnits(100);
      KubeletPaths paths = new KubeletPaths(node.options().kubelet(), PluginOptions.RESOURCE);
      Files.delete(paths.plugin());
      Files.delete(paths.registration());

      soon(() -> assertThat(paths.plugin()).exists());
      soon(() -> assertThat(paths.registration()).exists());
      node.kubelet().restart();
      node.awaitUnits(100);
    }
  }

  @Test
  void aLostCheckpointNeverGivesIdsToTwoContainersThatLive() throws Exception {
    try (KubeletNode node = KubeletNode.start(2, StandInBehaviour.NORMAL)) {
      node.awaitUnits(200);
      node.kubelet().addPod(PodSpec.of("old", 60));
      node.kubelet().startPod("old");
      SortedSet<String> held = node.kubelet().ids("old", "main");
      node.kubelet().restartWithoutCheckpoint();
      node.awaitUnits(200);

      // The kubelet thinks that all are free: it is steered to others as long as there are any.
      assertThat(node.kubelet().addPod(PodSpec.of("new", 100)).isAdmitted()).isTrue();
      assertThat(node.kubelet().ids("new", "main")).doesNotContainAnyElementsOf(held);
      assertThat(node.kubelet().startPod("new").runs()).isTrue();

      // And then it waits, with a sentence, until the one that it has forgotten ends.
      assertThat(node.kubelet().addPod(PodSpec.of("third", 60).withNodeName()).isAdmitted())
          .isTrue();
      assertThat(node.kubelet().ids("third", "main")).containsAnyElementsOf(held);
      assertThat(node.kubelet().startPod("third").error())
          .contains("in use by container main of pod default/old");
      node.kubelet().deletePod("old");
      soon(() -> assertThat(node.kubelet().startPod("third").error()).isEmpty());
    }
  }

  @Test
  void aRandomRestartAtAnyMomentNeverLosesOrDoublesAnything() throws Exception {
    Random random = new Random(7);
    try (KubeletNode node = KubeletNode.start(3, StandInBehaviour.NORMAL)) {
      List<String> pods = new ArrayList<>();
      for (int step = 0; step < 60; step++) {
        node.awaitUnits(300);
        // Six of these always fit: two of them leave room on a device for a third.
        if (pods.size() < 6) {
          String name = "p" + step;
          if (node.kubelet().addPod(PodSpec.of(name, 20 + random.nextInt(14))).isAdmitted()) {
            pods.add(name);
            soon(() -> assertThat(node.kubelet().startPod(name).error()).isEmpty());
          }
        } else {
          node.kubelet().deletePod(pods.remove(random.nextInt(pods.size())));
        }
        if (step % 10 == 5) {
          node.kubelet().restart();
        }
        assertThat(node.plugin().view().devices()).allMatch(units -> units.started() <= 100);
      }
      SortedSet<String> all = new TreeSet<>();
      int count = 0;
      for (String pod : pods) {
        all.addAll(node.kubelet().ids(pod, "main"));
        count += node.kubelet().ids(pod, "main").size();
      }
      assertThat(all).hasSize(count);
    }
  }
}
