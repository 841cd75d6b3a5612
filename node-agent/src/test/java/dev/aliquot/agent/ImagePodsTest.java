package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.PodSandbox;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.plugin.kubelet.ContainerStart;
import dev.aliquot.plugin.kubelet.PodSpec;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Pods on a node whose agent somebody else has started, with a folder for its kubelet: {@code
 * daemonset/image/check} has the image's agent there, of two simulated devices of 4 GiB.
 */
@EnabledIfSystemProperty(named = "aliquot.image.kubelet", matches = "/.+")
class ImagePodsTest {
  private static final long MIB = 1L << 20;
  private static final String SUCCESS = "0";
  private static final String OUT_OF_MEMORY = "2";

  private final Path folder = Path.of(System.getProperty("aliquot.image.kubelet", "/"));

  @Test
  void podsOfTheImagesAgentAreHeldToTheirShares() throws Exception {
    try (NodeOfOthers node = new NodeOfOthers(folder, 2);
        PodSandbox sandbox = PodSandbox.make()) {
      PodSpec small = node.admit(PodSpec.of("small", 25));
      PodSpec large = node.admit(PodSpec.of("large", 50));
      ContainerStart given = node.start(small, "main");
      Talker one = run(sandbox, small, "a".repeat(64), given);
      Talker two = run(sandbox, large, "b".repeat(64), node.start(large, "main"));
      assertThat(one.say("init")).isEqualTo(SUCCESS);
      assertThat(two.say("init")).isEqualTo(SUCCESS);
      assertThat(two.say("alloc " + 1024 * MIB)).isEqualTo(SUCCESS);
      assertThat(two.say("alloc " + 1024 * MIB)).as("beyond a half").isEqualTo(OUT_OF_MEMORY);
      assertThat(one.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
      assertThat(one.say("alloc " + 512 * MIB)).as("beyond a quarter").isEqualTo(OUT_OF_MEMORY);

      node.restartKubelet();
      one.kill();
      Talker again = run(sandbox, small, "c".repeat(64), node.start(small, "main"));
      assertThat(again.say("init")).as("the container is started again").isEqualTo(SUCCESS);
      assertThat(again.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);

      PodSpec whole = node.admit(PodSpec.of("whole", 100));
      Talker three = run(sandbox, whole, "d".repeat(64), node.start(whole, "main"));
      assertThat(three.say("init")).isEqualTo(SUCCESS);
      assertThat(three.say("alloc " + 3072 * MIB)).isEqualTo(SUCCESS);

      for (Talker each : new Talker[] {again, two, three}) {
        each.kill();
      }
      node.deletePods();
      Path tenant = Path.of(KubeletFixture.injection(given).mounts().getFirst().hostPath());
      Eventually.soon(() -> assertThat(tenant).doesNotExist());
    }
  }

  private static Talker run(PodSandbox sandbox, PodSpec pod, String id, ContainerStart given)
      throws IOException {
    return sandbox.start(
        sandbox.group(pod.uid(), id),
        KubeletFixture.injection(given),
        CProgram.of("cuda_tenant").toString());
  }
}
