package dev.aliquot.daemonset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.marcnuri.helm.Helm;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The chart, rendered by the real Helm. */
final class Chart {
  static final Path FOLDER = Path.of("chart/aliquot").toAbsolutePath();
  static final String RELEASE = "aliquot";
  static final String NAMESPACE = "aliquot-system";
  private static final YAMLMapper YAML = new YAMLMapper();

  private Chart() {}

  static Helm helm() {
    return new Helm(FOLDER);
  }

  /** The schema of the values. */
  static JsonNode schema() {
    return read(FOLDER.resolve("values.schema.json"));
  }

  /** What the values are where nobody says otherwise. */
  static JsonNode defaults() {
    return read(FOLDER.resolve("values.yaml"));
  }

  private static JsonNode read(Path file) {
    try {
      return YAML.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What Helm makes of it.
   *
   * @param values YAML; the rest is the chart's own
   * @throws IllegalStateException with Helm's words where it refuses
   */
  static String text(String values) {
    try {
      Path file = Files.createTempFile("aliquot-values-", ".yaml");
      try {
        Files.writeString(file, values);
        return helm()
            .template()
            .withName(RELEASE)
            .withNamespace(NAMESPACE)
            .withKubeVersion("1.36.0")
            .withValuesFile(file)
            .call();
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The objects that Helm makes of it. */
  static List<HasMetadata> objects(String values) {
    return StrictObjects.parse(text(values));
  }

  static <T extends HasMetadata> List<T> all(Class<T> kind, List<HasMetadata> objects) {
    return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  static <T extends HasMetadata> T only(Class<T> kind, List<HasMetadata> objects) {
    List<T> all = all(kind, objects);
    if (all.size() != 1) {
      throw new AssertionError(all.size() + " of " + kind.getSimpleName() + ", not 1");
    }
    return all.getFirst();
  }

  /** One value by its path, as YAML: "health.taint" and "true". */
  static String value(String path, JsonNode value) {
    ObjectNode root = YAML.createObjectNode();
    ObjectNode at = root;
    String[] words = path.split("\\.", -1);
    for (int i = 0; i < words.length - 1; i++) {
      at = at.putObject(words[i]);
    }
    at.set(words[words.length - 1], value);
    return root.toString();
  }
}
