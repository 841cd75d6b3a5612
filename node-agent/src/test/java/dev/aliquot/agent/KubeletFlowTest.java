package dev.aliquot.agent;

import static dev.aliquot.plugin.kubelet.PodSpec.app;
import static dev.aliquot.plugin.kubelet.PodSpec.init;
import static dev.aliquot.plugin.kubelet.PodSpec.sidecar;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.KubeletView;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.node.Injection;
import org.junit.jupiter.api.Test;

/** The whole way, from a pod's admission to a process that is held to its share. */
class KubeletFlowTest extends KubeletFixture {

  @Test
  void podsShareADeviceAndEachIsHeldToItsShare() throws Exception {
    PodSpec small = PodSpec.of("small", 25);
    PodSpec large = PodSpec.of("large", 50);
    admit(small);
    admit(large);
    Talker one = run(small, "main", id(1));
    Talker two = run(large, "main", id(2));
    assertThat(one.say("init")).isEqualTo(SUCCESS);
    assertThat(two.say("init")).isEqualTo(SUCCESS);
    assertThat(view(name(small, "main")).device())
        .as("packed")
        .isEqualTo(view(name(large, "main")).device());
    assertThat(one.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(one.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(two.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    assertThat(two.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(one.say("alloc " + 256 * MIB))
        .as("its neighbour notices nothing")
        .isEqualTo(SUCCESS);
    KubeletView view = service.view();
    assertThat(view.registered()).isTrue();
    assertThat(view.problems()).isEmpty();
    assertThat(view.grants())
        .extracting(KubeletView.GrantView::holder)
        .containsExactlyInAnyOrder(name(small, "main"), name(large, "main"));
    assertThat(view.counts()).containsEntry("allocations", 2L);
  }

  @Test
  void whatAPodHadIsThereForTheNextWhenItEnds() throws Exception {
    PodSpec first = PodSpec.of("first", 100);
    admit(first);
    Injection given = given(first, "main");
    Talker program = sandbox.start(sandbox.group(first.uid(), id(1)), given, program().toString());
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + 6 * GIB)).isEqualTo(SUCCESS);
    program.kill();
    kubelet.deletePod("first");
    Eventually.soon(() -> assertThat(exists(name(first, "main"))).isFalse());
    assertThat(isThere(given)).as("its folder").isFalse();
    PodSpec next = PodSpec.of("next", 100);
    admit(next);
    Talker second = run(next, "main", id(2));
    assertThat(second.say("init")).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + 6 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aContainerOfAPodCannotUseItsSiblings() throws Exception {
    PodSpec pod = PodSpec.of("pod", app("one", 20), app("two", 20));
    admit(pod);
    Injection ones = given(pod, "one");
    Talker one = sandbox.start(sandbox.group(pod.uid(), id(1)), ones, program().toString());
    assertThat(one.say("init")).isEqualTo(SUCCESS);
    Talker two = run(pod, "two", id(2));
    assertThat(two.say("init")).isEqualTo(SUCCESS);
    assertThat(one.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(two.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Talker thief = sandbox.start(sandbox.group(pod.uid(), id(2)), ones, program().toString());
    assertThat(thief.say("init")).as("with its sibling's mounts").isEqualTo(REFUSED);
  }

  @Test
  void initContainersHandOnAndContainersComeBack() throws Exception {
    PodSpec pod = PodSpec.of("pod", init("prepare", 30), sidecar("watch", 10), app("serve", 30));
    admit(pod);
    Talker prepare = run(pod, "prepare", id(1));
    assertThat(prepare.say("init")).isEqualTo(SUCCESS);
    assertThat(prepare.say("alloc " + GIB)).isEqualTo(SUCCESS);
    prepare.kill();
    kubelet.endContainer("pod", "prepare");
    Talker watch = run(pod, "watch", id(2));
    Talker serve = run(pod, "serve", id(3));
    assertThat(watch.say("init")).isEqualTo(SUCCESS);
    assertThat(serve.say("init")).isEqualTo(SUCCESS);
    assertThat(serve.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(exists(name(pod, "prepare"))).isFalse());
    serve.kill();
    kubelet.endContainer("pod", "serve");
    Talker again = run(pod, "serve", id(4));
    assertThat(again.say("init")).as("under another id").isEqualTo(SUCCESS);
    assertThat(again.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(again.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(watch.say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aKubeletThatIsStartedAgainFindsAllAsItWas() throws Exception {
    PodSpec pod = PodSpec.of("pod", 40);
    admit(pod);
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    kubelet.restart();
    awaitUnits();
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    program.kill();
    kubelet.endContainer("pod", "main");
    Talker again = run(pod, "main", id(2));
    assertThat(again.say("init")).isEqualTo(SUCCESS);
    assertThat(again.say("alloc " + 4 * GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void anotherAgentServesTheSamePods() throws Exception {
    PodSpec pod = PodSpec.of("pod", app("one", 20), app("two", 20));
    admit(pod);
    Talker one = run(pod, "one", id(1));
    assertThat(one.say("init")).isEqualTo(SUCCESS);
    assertThat(one.say("alloc " + GIB)).isEqualTo(SUCCESS);
    service.close();
    restartNode();
    serve();
    awaitUnits();
    assertThat(one.say("free")).isEqualTo(SUCCESS);
    assertThat(one.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Talker two = run(pod, "two", id(2));
    assertThat(two.say("init")).isEqualTo(SUCCESS);
    assertThat(two.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    PodSpec next = PodSpec.of("next", 60);
    admit(next);
    Talker third = run(next, "main", id(3));
    assertThat(third.say("init")).isEqualTo(SUCCESS);
    assertThat(third.say("alloc " + 4 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aDeviceThatIsOutIsToldToTheKubelet() throws Exception {
    PodSpec pod = PodSpec.of("pod", 40);
    admit(pod);
    Talker program = run(pod, "main", id(1));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    simulate("recovery", "--device", "0", "--action", "4");
    Eventually.soon(() -> assertThat(kubelet.healthyUnits()).isEqualTo(100));
    assertThat(kubelet.units()).isEqualTo(200);
    assertThat(program.say("alloc " + GIB)).as("it runs on").isEqualTo(SUCCESS);
    program.kill();
    kubelet.endContainer("pod", "main");
    assertThat(kubelet.startContainer("pod", "main").error()).contains("wants the device drained");
    simulate("recovery", "--device", "0", "--action", "0");
    assertThat(run(pod, "main", id(2)).say("init")).isEqualTo(SUCCESS);
  }
}
