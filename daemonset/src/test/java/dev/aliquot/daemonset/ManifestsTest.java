package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Plain manifests are the chart's renderings. With {@code -Daliquot.manifests.write=true} they are
 * written anew ({@code daemonset/manifests/render}).
 */
class ManifestsTest {
  private static final Path FOLDER = Path.of("manifests");

  private static final String HEALTH =
      "{pods: {readAnnotations: false}, health: {taint: true, hyperpod: [node], evict: %s}}";

  enum Manifest {
    /** Everything, for kubectl apply. */
    ALIQUOT("aliquot.yaml", "{namespace: {create: true}}", ""),
    /** All that telling of faults can need; for an agent without the chart. */
    EVICTING("rbac-health-evict.yaml", HEALTH.formatted("evict"), "rbac.yaml"),
    DELETING("rbac-health-delete.yaml", HEALTH.formatted("delete"), "rbac.yaml"),
    /** All that following pods' annotations needs; for the same. */
    PODS("rbac-pods.yaml", "{health: {kubernetes: \"off\"}}", "rbac.yaml");

    private final String file;
    private final String values;
    private final String template;

    Manifest(String file, String values, String template) {
      this.file = file;
      this.values = values;
      this.template = template;
    }

    String render() {
      String all = Chart.text(values);
      return template.isEmpty() ? all : documents(all, template);
    }
  }

  private static String documents(String text, String template) {
    return Stream.of(text.split("(?m)^---\n", -1))
        .filter(document -> document.contains("# Source: aliquot/templates/" + template))
        .map(document -> "---\n" + document)
        .collect(Collectors.joining());
  }

  @ParameterizedTest
  @EnumSource
  void theyAreWhatTheChartMakes(Manifest manifest) throws IOException {
    Path file = FOLDER.resolve(manifest.file);
    if (Boolean.getBoolean("aliquot.manifests.write")) {
      Files.createDirectories(FOLDER);
      Files.writeString(file, manifest.render());
    }
    assertThat(file)
        .as("stale: run daemonset/manifests/render")
        .content()
        .isEqualTo(manifest.render());
  }

  @Test
  void theyAreOneInstallation() throws IOException {
    List<HasMetadata> objects =
        StrictObjects.parse(Files.readString(FOLDER.resolve("aliquot.yaml")));
    assertThat(objects).extracting(HasMetadata::getKind).contains("Namespace", "DaemonSet");
    assertThat(objects)
        .filteredOn(object -> object.getMetadata().getNamespace() != null)
        .allSatisfy(
            object -> assertThat(object.getMetadata().getNamespace()).isEqualTo(Chart.NAMESPACE));
  }

  /** The check itself: what a typed model would quietly keep is an error here. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "spec: {template: {spec: {hostPid: true}}}",
        "spec: {template: {spec: {containers: [{name: a, memory: 1Gi}]}}}",
        "metadata: {label: {a: b}}",
        "specs: {}",
        "metadata: {name: a, name: b}"
      })
  void aFieldThatThereIsNotIsAnError(String line) {
    assertThatThrownBy(() -> StrictObjects.parse("apiVersion: apps/v1\nkind: DaemonSet\n" + line))
        .hasMessageMatching("(?s).*(Unrecognized field|Duplicate field).*");
  }
}
