package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.ByteSize;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What people copy is right: examples ask for shares in words that there are. */
class ExamplesTest {
  private static final Path FOLDER = Path.of("examples");
  private static final String RESOURCE = "aliquot.dev/gpu-fraction";

  static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.sorted().toList();
    }
  }

  /** A pod, or what makes pods. */
  record Example(ObjectMeta metadata, PodSpec spec) {
    static Example of(HasMetadata object) {
      return switch (object) {
        case Pod pod -> new Example(pod.getMetadata(), pod.getSpec());
        case Deployment deployment ->
            new Example(
                deployment.getSpec().getTemplate().getMetadata(),
                deployment.getSpec().getTemplate().getSpec());
        case Job job ->
            new Example(
                job.getSpec().getTemplate().getMetadata(), job.getSpec().getTemplate().getSpec());
        default -> throw new AssertionError("no pod in " + object.getKind());
      };
    }
  }

  private static List<Example> examples(Path file) throws IOException {
    List<HasMetadata> objects = StrictObjects.parse(Files.readString(file));
    assertThat(objects).isNotEmpty();
    return objects.stream().map(Example::of).toList();
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyExampleAsksForAShareThatCanBeGiven(Path file) throws IOException {
    for (Example example : examples(file)) {
      Container container = example.spec().getContainers().getFirst();
      int units =
          container.getResources().getLimits().get(RESOURCE).getNumericalAmount().intValueExact();
      assertThat(units <= 100 || units % 100 == 0).as("%s units", units).isTrue();
      assertThat(container.getResources().getRequests().keySet())
          .as("a request would have to be equal")
          .doesNotContain(RESOURCE);
      assertThat(container.getImage()).doesNotContain(":latest").contains(":");
      holds(units, example.metadata().getAnnotations());
    }
  }

  private static void holds(int units, Map<String, String> annotations) {
    annotations.forEach(
        (name, value) -> {
          switch (name) {
            case "aliquot.dev/gpu-memory", "aliquot.dev/gpu-memory-limit" ->
                assertThat(ByteSize.parse(value)).isPositive();
            case "aliquot.dev/gpu-fraction-limit" ->
                assertThat(Integer.parseInt(value)).isBetween(units, 100);
            case "aliquot.dev/swap" ->
                assertThat(
                        Arrays.stream(SwapMode.values())
                            .map(mode -> mode.name().toLowerCase(Locale.ROOT)))
                    .contains(value);
            case "aliquot.dev/priority" ->
                assertThat(
                        Arrays.stream(Priority.values())
                            .map(priority -> priority.name().toLowerCase(Locale.ROOT)))
                    .contains(value);
            default -> throw new AssertionError("there is no annotation " + name);
          }
        });
  }

  @Test
  void everyAnnotationIsShownSomewhere() throws IOException {
    Set<String> shown = new TreeSet<>();
    for (Path file : files()) {
      examples(file).forEach(each -> shown.addAll(each.metadata().getAnnotations().keySet()));
    }
    assertThat(shown)
        .containsExactly(
            "aliquot.dev/gpu-fraction-limit",
            "aliquot.dev/gpu-memory",
            "aliquot.dev/gpu-memory-limit",
            "aliquot.dev/priority",
            "aliquot.dev/swap");
  }

  @Test
  void theCleanUpTouchesWhatAgentsHaveAndTakesTheAgentsImage() throws IOException {
    List<HasMetadata> objects =
        StrictObjects.parse(Files.readString(Path.of("manifests/cleanup.yaml")));
    Container cleanup =
        Chart.only(DaemonSet.class, objects)
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst();
    Container agent =
        Chart.only(DaemonSet.class, Chart.objects("{}"))
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst();
    assertThat(cleanup.getImage()).isEqualTo(agent.getImage());
    assertThat(cleanup.getSecurityContext().getPrivileged()).isNull();
    var apart =
        Chart.only(DaemonSet.class, objects)
            .getSpec()
            .getTemplate()
            .getSpec()
            .getAffinity()
            .getPodAntiAffinity()
            .getRequiredDuringSchedulingIgnoredDuringExecution()
            .getFirst();
    assertThat(
            Chart.only(DaemonSet.class, Chart.objects("{}"))
                .getSpec()
                .getTemplate()
                .getMetadata()
                .getLabels())
        .as("it keeps away from agents")
        .containsAllEntriesOf(apart.getLabelSelector().getMatchLabels());
    assertThat(cleanup.getCommand().getLast())
        .contains("/run/aliquot", "/var/lib/aliquot", "/plugins/aliquot.dev");
  }
}
