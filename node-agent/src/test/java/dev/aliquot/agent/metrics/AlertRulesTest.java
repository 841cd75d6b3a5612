package dev.aliquot.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.aliquot.health.device.DeviceState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The alert rules that come with Aliquot ask for metrics that it has. */
class AlertRulesTest {
  private static final Path RULES = Path.of("../daemonset/prometheus/health-rules.yaml");
  private static final Pattern METRIC = Pattern.compile("aliquot_[a-z_]+");
  private static final Pattern STATE = Pattern.compile("state=\"([a-z-]+)\"");
  private static final Pattern LABEL = Pattern.compile("\\$labels\\.([a-z]+)");

  private static List<JsonNode> rules() throws IOException {
    JsonNode groups = new YAMLMapper().readTree(Files.readString(RULES)).path("groups");
    List<JsonNode> rules = new ArrayList<>();
    groups.forEach(group -> group.path("rules").forEach(rules::add));
    assertThat(rules).hasSizeGreaterThan(5);
    return rules;
  }

  private static Metric metric(String name) {
    return MetricTable.all().stream()
        .filter(metric -> name.replaceFirst("_(bucket|sum|count)$", "").equals(metric.name()))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no metric " + name));
  }

  private static Set<String> all(Pattern pattern, int group, String text) {
    Set<String> found = new TreeSet<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(group));
    }
    return found;
  }

  @Test
  void everyRuleAsksForAMetricThatThereIsAndSaysWhatToDo() throws IOException {
    for (JsonNode rule : rules()) {
      String expression = rule.path("expr").asText();
      Set<String> metrics = all(METRIC, 0, expression);
      assertThat(metrics).as(expression).isNotEmpty();
      Set<String> labels = new HashSet<>(Set.of("node"));
      metrics.forEach(name -> labels.addAll(metric(name).labels()));
      String summary = rule.path("annotations").path("summary").asText();
      assertThat(labels).as(summary).containsAll(all(LABEL, 1, summary));
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
    for (JsonNode rule : rules()) {
      asked.addAll(all(STATE, 1, rule.path("expr").asText()));
    }
    Set<String> wanted =
        Arrays.stream(DeviceState.values())
            .filter(state -> state != DeviceState.HEALTHY && state != DeviceState.RECOVERING)
            .map(DeviceState::label)
            .collect(Collectors.toSet());
    assertThat(asked).containsExactlyInAnyOrderElementsOf(wanted);
  }

  @Test
  void prometheusItselfAcceptsThem() throws Exception {
    Path script = Path.of("").toAbsolutePath().resolveSibling("scripts/real-parts");
    Process path = new ProcessBuilder(script.toString(), "path", "promtool").start();
    String promtool = output(path).strip();
    Assumptions.assumeTrue(
        path.waitFor() == 0 && !promtool.isEmpty(),
        "promtool has not been fetched: scripts/real-parts fetch promtool");
    Process check =
        new ProcessBuilder(promtool, "check", "rules", RULES.toString())
            .redirectErrorStream(true)
            .start();
    String said = output(check);
    assertThat(check.waitFor()).as(said).isZero();
  }

  private static String output(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
