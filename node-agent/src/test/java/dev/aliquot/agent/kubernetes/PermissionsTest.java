package dev.aliquot.agent.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.EvictionPolicy;
import dev.aliquot.agent.config.KubernetesMode;
import dev.aliquot.health.device.DeviceState;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The manifests allow what the agent does, all of it, and nothing else. */
class PermissionsTest extends ClusterFixture {
  private static final Path MANIFESTS = Path.of("../daemonset/manifests");
  private static final Pattern PATH =
      Pattern.compile("/api/v1(?:/namespaces/[^/]+)?/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?");

  private Set<String> allowed(EvictionPolicy eviction) throws Exception {
    Path manifest = MANIFESTS.resolve("rbac-health-" + word(eviction) + ".yaml");
    Set<String> allowed = new TreeSet<>();
    try (InputStream in = Files.newInputStream(manifest)) {
      for (HasMetadata each : admin.load(in).items()) {
        if (each instanceof ClusterRole role) {
          role.getRules().forEach(rule -> allowed.addAll(allowed(rule)));
        }
      }
    }
    return allowed;
  }

  private static String word(EvictionPolicy eviction) {
    return eviction.name().toLowerCase(Locale.ROOT);
  }

  private static Set<String> allowed(PolicyRule rule) {
    assertThat(rule.getApiGroups()).as("all that is used is in the core group").containsExactly("");
    Set<String> allowed = new HashSet<>();
    for (String resource : rule.getResources()) {
      rule.getVerbs().forEach(verb -> allowed.add(verb + " " + resource));
    }
    return allowed;
  }

  private static String used(FakeApi.Request request) {
    Matcher path = PATH.matcher(request.path());
    assertThat(path.matches()).as(request.path()).isTrue();
    String resource = path.group(1) + (path.group(3) == null ? "" : "/" + path.group(3));
    String verb =
        switch (request.method()) {
          case "GET" -> path.group(2) == null ? "list" : "get";
          case "POST" -> "create";
          case "PATCH" -> "patch";
          case "PUT" -> "update";
          case "DELETE" -> "delete";
          default -> request.method();
        };
    return verb + " " + resource;
  }

  /** Everything that an agent ever does. */
  private void live(KubernetesMode mode, EvictionPolicy eviction) {
    PodName pod = new PodName("ml", "pod-" + word(eviction));
    addPod(pod.namespace(), pod.name(), NODE);
    pods.add(pod);
    start(new KubernetesOptions(mode, ALL.policy(), eviction, 20));
    List<FakeApi.Request> first = server.requests();
    assertThat(first).isNotEmpty();
    faults.add(fault(faults.size() + 2, "31", "app", 1, pod));
    after(Duration.ofSeconds(15));
    faults.add(fault(faults.size() + 2, "31", "app", 1, pod));
    stands(0, DeviceState.LOST, true, false);
    stands(1, DeviceState.LOST, true, false);
    after(Duration.ofSeconds(30));
    stands(0, DeviceState.HEALTHY);
    stands(1, DeviceState.HEALTHY);
    after(Duration.ofMinutes(1));
    assertThat(agent.view().problem()).isEmpty();
    api.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = EvictionPolicy.class,
      names = {"EVICT", "DELETE"})
  void everyRequestIsAllowedAndEverythingAllowedIsRequested(EvictionPolicy eviction)
      throws Exception {
    live(ALL.mode(), eviction);
    Set<String> used = new TreeSet<>();
    server.requests().forEach(request -> used.add(used(request)));
    assertThat(used).containsExactlyElementsOf(allowed(eviction));
  }

  @Test
  void aDryRunOnlyLooks() {
    live(KubernetesMode.DRY_RUN, EvictionPolicy.EVICT);
    Set<String> used = new TreeSet<>();
    server.requests().forEach(request -> used.add(used(request)));
    assertThat(used)
        .as("what the chart allows with health.kubernetes: dry-run")
        .containsExactly("get nodes", "get pods", "list nodes");
  }
}
