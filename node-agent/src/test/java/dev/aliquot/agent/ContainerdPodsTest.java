package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.aliquot.agent.support.Containerd;
import dev.aliquot.agent.support.Containerd.Container;
import dev.aliquot.agent.support.Containerd.Pod;
import dev.aliquot.agent.support.Containerd.Said;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.plugin.kubelet.PodSpec;
import dev.aliquot.plugin.node.Injection;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Pods that a real containerd runs, with what the device plugin answered to a kubelet stand-in:
 * {@code daemonset/containerd/check} has both daemons there, the agent's of two simulated devices
 * of 4 GiB.
 */
@EnabledIfSystemProperty(named = "aliquot.containerd", matches = "/.+")
class ContainerdPodsTest {
  private static final long MIB = 1L << 20;
  private static final String SUCCESS = "0";
  private static final String OUT_OF_MEMORY = "2";
  private static final String REFUSED = "802";
  private static final int ROOT = 0;
  private static final int NOBODY = 65534;
  private static final String PROGRAM = "/bin/cuda_tenant";

  private final Path folder = Path.of(System.getProperty("aliquot.containerd", "/"));
  private NodeOfOthers node;
  private Containerd containerd;

  @BeforeEach
  void meet() throws Exception {
    node = new NodeOfOthers(folder.resolve("kubelet"), 2);
    containerd = new Containerd(folder);
  }

  @AfterEach
  void leave() {
    try (NodeOfOthers _ = node) {
      containerd.close();
      node.deletePods();
      Eventually.soon(() -> assertThat(get("tenants")).isEmpty());
    }
  }

  @Test
  void podsShareADeviceAndEachIsHeldToItsShare() throws Exception {
    PodSpec small = node.admit(PodSpec.of("small", 25));
    PodSpec large = node.admit(PodSpec.of("large", 50));
    Container one = containerd.start(containerd.pod(small), "main", ROOT, given(small), PROGRAM);
    Container two = containerd.start(containerd.pod(large), "main", NOBODY, given(large), PROGRAM);
    assertThat(one.main().say("init")).isEqualTo(SUCCESS);
    assertThat(two.main().say("init")).as("of another user").isEqualTo(SUCCESS);
    assertThat(one.main().say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(one.main().say("alloc " + 512 * MIB)).as("a quarter").isEqualTo(OUT_OF_MEMORY);
    assertThat(two.main().say("alloc " + 1024 * MIB)).isEqualTo(SUCCESS);
    assertThat(two.main().say("alloc " + 1024 * MIB)).as("a half").isEqualTo(OUT_OF_MEMORY);
    assertThat(one.main().say("pid")).as("in a pid namespace of its own").isEqualTo("1");
    assertThat(containerd.exec(one, "/usr/bin/env", "-i", "/bin/cat", "/proc/self/maps").out())
        .as("preloaded by the file alone")
        .contains("libaliquot-cuda.so");
    isKnown(small, one);
    isKnown(large, two);
    assertThat(tenant(small).get("device")).as("packed").isEqualTo(tenant(large).get("device"));
    Eventually.soon(
        () -> assertThat(tenant(small).get("usedBytes").asLong()).isEqualTo((512 + 64) * MIB));
  }

  @Test
  void aContainerThatIsStartedAgainGoesOnUnderItsNewId() throws Exception {
    PodSpec spec = node.admit(PodSpec.of("again", 25));
    Injection given = given(spec);
    Pod pod = containerd.pod(spec);
    Container first = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(first.main().say("init")).isEqualTo(SUCCESS);
    assertThat(first.main().say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    containerd.stop(first);
    assertThat(first.main().answer()).isEqualTo("(ended)");
    Container early = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(early.main().say("init")).as("before the kubelet has said so").isEqualTo(REFUSED);

    assertThat(given(spec)).as("what the kubelet has kept").isEqualTo(given);
    Container second = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(second.main().say("init")).isEqualTo(SUCCESS);
    assertThat(second.main().say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(second.main().say("alloc " + 512 * MIB)).isEqualTo(OUT_OF_MEMORY);
    isKnown(spec, second);
    assertThat(cuda(early, "init").out()).as("another id").isEqualTo(REFUSED);

    given(spec);
    Container third = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(third.main().say("init")).isEqualTo(SUCCESS);
    assertThat(cuda(second, "init").out()).as("the old id").isEqualTo(REFUSED);
    isKnown(spec, third);
  }

  @Test
  void whatIsRunInAContainerLaterSharesItsLimit() throws Exception {
    PodSpec spec = node.admit(PodSpec.of("exec", 25));
    Container container =
        containerd.start(containerd.pod(spec), "main", ROOT, given(spec), PROGRAM);
    assertThat(container.main().say("init")).isEqualTo(SUCCESS);
    assertThat(container.main().say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
    assertThat(cuda(container, "init", "alloc " + 512 * MIB, "alloc " + 128 * MIB))
        .as("what the first process has left")
        .isEqualTo(new Said(0, SUCCESS + "\n" + OUT_OF_MEMORY + "\n" + SUCCESS));
    assertThat(container.main().say("free")).isEqualTo(SUCCESS);
    assertThat(cuda(container, "init", "alloc " + 512 * MIB).out())
        .isEqualTo(SUCCESS + "\n" + SUCCESS);
  }

  @Test
  void aSiblingWithoutAShareIsAStrangerOnTheDevice() throws Exception {
    PodSpec spec = node.admit(PodSpec.of("pair", 25));
    Injection given = given(spec);
    Pod pod = containerd.pod(spec);
    Container main = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(main.main().say("init")).isEqualTo(SUCCESS);
    Path tenant = Path.of(given.mounts().getFirst().hostPath());
    Injection unshared =
        new Injection(
            Map.of("ALIQUOT_SIM_DIR", given.environment().get("ALIQUOT_SIM_DIR")),
            given.mounts().stream()
                .filter(mount -> mount.hostPath().equals(mount.containerPath()))
                .toList(),
            List.of(),
            List.of());
    Container side =
        containerd.start(
            pod, "side", ROOT, unshared, PROGRAM, BypassFixture.driver(tenant).toString());
    assertThat(side.main().say("init")).isEqualTo(SUCCESS);
    assertThat(side.main().say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> {
          JsonNode strangers = device(spec).get("strangers");
          assertThat(strangers).hasSize(1);
          assertThat(inGroup(strangers.get(0).get("pid").asInt(), spec, side)).isTrue();
        });
    assertThat(tenant(spec).get("usedBytes").asLong()).isEqualTo(64 * MIB);
    assertThat(tenant(spec).get("bypasses")).isEmpty();
    assertThat(main.main().say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
  }

  @Test
  void containersOutliveContainerdAndAreStillHeldToTheirShares() throws Exception {
    PodSpec spec = node.admit(PodSpec.of("outlives", 25));
    Pod pod = containerd.pod(spec);
    Container container = containerd.start(pod, "main", ROOT, given(spec), PROGRAM);
    assertThat(container.main().say("init")).isEqualTo(SUCCESS);
    assertThat(container.main().say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    containerd.kill();
    assertThat(containerd.isRunning(container)).isTrue();
    assertThat(container.main().say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    assertThat(container.main().say("alloc " + 512 * MIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(cuda(container, "init", "alloc " + 512 * MIB).out())
        .isEqualTo(SUCCESS + "\n" + OUT_OF_MEMORY);
    isKnown(spec, container);

    containerd.stop(container);
    Container next = containerd.start(pod, "main", ROOT, given(spec), PROGRAM);
    assertThat(next.main().say("init")).as("started by the next one").isEqualTo(SUCCESS);
    isKnown(spec, next);
  }

  @Test
  void aPodsTenantEndsWithIt() throws Exception {
    PodSpec spec = node.admit(PodSpec.of("ends", 100));
    Injection given = given(spec);
    Pod pod = containerd.pod(spec);
    Container container = containerd.start(pod, "main", ROOT, given, PROGRAM);
    assertThat(container.main().say("init")).isEqualTo(SUCCESS);
    assertThat(container.main().say("alloc " + 3072 * MIB)).isEqualTo(SUCCESS);
    assertThat(tenant(spec).isMissingNode()).isFalse();
    containerd.remove(pod);
    assertThat(container.main().answer()).isEqualTo("(ended)");
    node.deletePods();
    Eventually.soon(
        () -> {
          assertThat(tenant(spec).isMissingNode()).isTrue();
          assertThat(Path.of(given.mounts().getFirst().hostPath())).doesNotExist();
        });
  }

  private Injection given(PodSpec pod) {
    return KubeletFixture.injection(node.start(pod, "main"));
  }

  /** The agent has the container's first process as its tenant's, and knows it by its group. */
  private void isKnown(PodSpec pod, Container container) throws IOException {
    JsonNode tenant = tenant(pod);
    assertThat(tenant.get("namespace").asText()).isEqualTo(pod.namespace());
    assertThat(tenant.get("pod").asText()).isEqualTo(pod.name());
    assertThat(tenant.get("container").asText()).isEqualTo("main");
    assertThat(tenant.get("processes"))
        .anySatisfy(
            process -> {
              assertThat(process.get("tenantPid").asInt()).isEqualTo(1);
              assertThat(inGroup(process.get("pid").asInt(), pod, container)).isTrue();
            });
    assertThat(folder.resolve("agent.log"))
        .content()
        .contains(
            "tenant %s is container %s of pod %s"
                .formatted(tenant.get("id").asText(), container.id(), pod.uid()));
  }

  private static boolean inGroup(int pid, PodSpec pod, Container container) throws IOException {
    return Files.readString(Path.of("/proc/" + pid + "/cgroup"))
        .contains("/kubepods/burstable/pod" + pod.uid() + "/" + container.id() + "\n");
  }

  /** A CUDA program that is run beside the container's own, with these commands. */
  private Said cuda(Container container, String... commands) {
    return containerd.exec(
        container,
        "/bin/sh",
        "-c",
        "printf '%s\\n' \"$@\" | " + PROGRAM,
        "sh",
        String.join("\n", commands));
  }

  private JsonNode tenant(PodSpec pod) throws IOException {
    for (JsonNode each : get("tenants")) {
      if (each.get("pod").asText().equals(pod.name())) {
        return each;
      }
    }
    return MissingNode.getInstance();
  }

  private JsonNode device(PodSpec pod) throws IOException {
    return get("node").get("devices").get(tenant(pod).get("deviceIndex").asInt());
  }

  private JsonNode get(String what) throws IOException {
    ObjectMapper json = new ObjectMapper();
    JsonNode agent = json.readTree(folder.resolve("state/agent.json").toFile());
    URI uri = URI.create("http://" + agent.get("http").asText() + "/api/v1/" + what);
    try (InputStream answer = uri.toURL().openStream()) {
      return json.readTree(answer);
    }
  }
}
