package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.kubernetes.PodCluster;
import dev.aliquot.agent.kubernetes.PodWatch;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.kubelet.PodSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a pod's annotations make of what its resource gives it. */
class KubeletAnnotationsTest extends KubeletFixture {
  private final PodCluster cluster = new PodCluster();
  private PodWatch watch;

  @Override
  PodWatch watch() {
    watch = cluster.watch();
    return watch;
  }

  @AfterEach
  void stopCluster() {
    cluster.close();
  }

  /** In the cluster and at the kubelet, under the same uid. */
  private PodSpec pod(String name, int units, Map<String, String> annotations) {
    String uid = cluster.add("default", name, annotations);
    PodSpec pod = new PodSpec("default", name, uid, List.of(PodSpec.app("main", units)), false);
    admit(pod);
    return pod;
  }

  @Test
  void aLimitAboveTheRequestIsBorrowedUpTo() throws Exception {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
    PodSpec pod =
        pod(
            "notebook",
            25,
            Map.of("aliquot.dev/gpu-memory", "1GiB", "aliquot.dev/gpu-fraction-limit", "75"));
    Talker program = run(pod, "main", id(1));
    assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(GIB);
    assertThat(view(name(pod, "main")).limitBytes()).isEqualTo(fraction(75));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + 4 * GIB)).as("a loan").isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void annotationsOfARunningPodAreFollowed() throws Exception {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
    PodSpec pod = pod("notebook", 50, Map.of("gpu-memory", "1024"));
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    cluster.annotate("default", "notebook", Map.of("gpu-memory", "3072"));
    Eventually.soon(() -> assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(3 * GIB));
    assertThat(program.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void whatMakesNoSenseIsToldWhereTheOwnerLooks() throws Exception {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
    PodSpec pod = pod("notebook", 25, Map.of("aliquot.dev/gpu-memory", "lots"));
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(fraction(25));
    Eventually.soon(
        () ->
            assertThat(cluster.events("default"))
                .containsExactly(
                    "notebook: aliquot.dev/gpu-memory is 'lots', not a size such as 4GiB: it is"
                        + " left out"));
  }

  @Test
  void withoutAnApiServerPodsGetWhatTheirResourceSaysAndTheRestLater() throws Exception {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
    PodSpec pod = pod("notebook", 25, Map.of("aliquot.dev/gpu-memory", "1GiB"));
    service.close();
    cluster.away(true);
    serve();
    awaitUnits();
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(fraction(25));
    assertThat(service.view().problems()).hasSize(1).first().asString().contains("cannot be read");
    cluster.away(false);
    Eventually.soon(() -> assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(GIB));
    Eventually.soon(() -> assertThat(service.view().problems()).isEmpty());
    assertThat(program.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void aContainerThatIsStartedAgainWithoutAnApiServerKeepsItsShare() throws Exception {
    Eventually.soon(() -> assertThat(watch.problem()).isEmpty());
    PodSpec pod = pod("notebook", 25, Map.of("aliquot.dev/gpu-memory", "1GiB"));
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    program.kill();
    kubelet.endContainer("notebook", "main");
    service.close();
    cluster.away(true);
    serve();
    awaitUnits();
    Talker again = run(pod, "main", id(2));
    assertThat(again.say("init")).isEqualTo(SUCCESS);
    assertThat(view(name(pod, "main")).requestBytes()).isEqualTo(GIB);
  }
}
