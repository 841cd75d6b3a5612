package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.aliquot.health.device.DeviceState;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.RuleGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rules that come with Aliquot ask for metrics that it has, and do what they say. */
class RulesTest {
  private static final Path FOLDER = Path.of("prometheus");
  private static final Pattern STATE = Pattern.compile("state=\"([a-z-]+)\"");
  private static final Pattern LABEL = Pattern.compile("\\$labels\\.([a-z]+)");

  /** What the recording rules give their results beside the metrics' own labels. */
  private static final Map<String, Set<String>> RECORDED =
      Map.of(
          "aliquot:dcgm:info",
          Set.of("UUID", "Hostname", "gpu", "modelName", "pci_bus_id", "node", "device"));

  static Stream<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> rules =
          files.filter(file -> file.toString().endsWith("-rules.yaml")).sorted().toList();
      assertThat(rules).hasSizeGreaterThan(3);
      return rules.stream();
    }
  }

  private static List<JsonNode> rules(Path file) throws IOException {
    List<JsonNode> rules = new ArrayList<>();
    new YAMLMapper()
        .readTree(Files.readString(file))
        .path("groups")
        .forEach(group -> group.path("rules").forEach(rules::add));
    assertThat(rules).as("%s", file).isNotEmpty();
    return rules;
  }

  private static List<JsonNode> allRules() throws IOException {
    List<JsonNode> rules = new ArrayList<>();
    for (Path file : files().toList()) {
      rules.addAll(rules(file));
    }
    return rules;
  }

  private static Set<String> all(Pattern pattern, String text) {
    Set<String> found = new TreeSet<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyRuleAsksForMetricsAndLabelsThatThereAre(Path file) throws IOException {
    for (JsonNode rule : rules(file)) {
      String expression = rule.path("expr").asText();
      Query query = Query.of(expression, RECORDED);
      assertThat(query.faults()).as(expression).isEmpty();
      assertThat(query.metrics()).as(expression).isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyAlertSaysWhatItIsAndWhatToDo(Path file) throws IOException {
    for (JsonNode rule : rules(file)) {
      if (!rule.has("alert")) {
        assertThat(rule.path("record").asText()).matches("(aliquot:|DCGM_FI_DEV_).+");
        continue;
      }
      String summary = rule.path("annotations").path("summary").asText();
      Set<String> labels = new HashSet<>();
      Query.of(rule.path("expr").asText(), RECORDED)
          .metrics()
          .forEach(name -> labels.addAll(Metrics.labelsOf(name).orElseThrow()));
      assertThat(labels).as(summary).containsAll(all(LABEL, summary));
      assertThat(summary).isNotBlank();
      assertThat(rule.path("annotations").path("runbook").asText())
          .endsWith(".")
          .hasSizeGreaterThan(40);
      assertThat(rule.path("labels").path("severity").asText()).isIn("info", "warning", "critical");
    }
  }

  @Test
  void everyStateThatTakesADeviceOutHasAnAlert() throws IOException {
    Set<String> asked = new TreeSet<>();
    for (JsonNode rule : allRules()) {
      asked.addAll(all(STATE, rule.path("expr").asText()));
    }
    Set<String> wanted =
        Arrays.stream(DeviceState.values())
            .filter(state -> state != DeviceState.HEALTHY && state != DeviceState.RECOVERING)
            .map(DeviceState::label)
            .collect(Collectors.toSet());
    assertThat(asked).containsExactlyInAnyOrderElementsOf(wanted);
  }

  @ParameterizedTest
  @MethodSource("files")
  void prometheusItselfAcceptsThem(Path file) throws Exception {
    PrometheusPart.promtool("check", "rules", file.toString());
  }

  @ParameterizedTest
  @MethodSource("unitTests")
  void theyFireWhenTheyShouldAndOnlyThen(Path file) throws Exception {
    PrometheusPart.promtool("test", "rules", file.toString());
  }

  static Stream<Path> unitTests() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER.resolve("tests"))) {
      return files.sorted().toList().stream();
    }
  }

  @Test
  void theChartGivesThemToTheOperatorAndDcgmNamesOnlyWhereAsked() throws IOException {
    Set<String> without = groups("{metrics: {rules: {enabled: true}}}");
    Set<String> with = groups("{metrics: {rules: {enabled: true, dcgmNames: true}}}");
    Set<String> all = new TreeSet<>();
    for (Path file : files().toList()) {
      new YAMLMapper()
          .readTree(Files.readString(file))
          .path("groups")
          .forEach(group -> all.add(group.path("name").asText()));
    }
    assertThat(with).isEqualTo(all);
    all.remove("aliquot-dcgm-names");
    assertThat(without).isEqualTo(all);
  }

  private static Set<String> groups(String values) {
    return Chart.only(PrometheusRule.class, Chart.objects(values)).getSpec().getGroups().stream()
        .map(RuleGroup::getName)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
