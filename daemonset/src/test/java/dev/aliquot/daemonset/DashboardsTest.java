package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The dashboards ask for what there is, of the data source that is chosen. */
class DashboardsTest {
  private static final Pattern VARIABLE = Pattern.compile("\\$([a-z]+)");
  private static final Pattern LEGEND = Pattern.compile("\\{\\{([a-z_]+)}}");

  static List<Dashboard> dashboards() throws IOException {
    return Dashboard.all();
  }

  @Test
  void thereIsOneForEachThingToLookAt() throws IOException {
    assertThat(Dashboard.all())
        .extracting(Dashboard::toString)
        .containsExactly("health.json", "node.json", "swap.json", "tenants.json");
    assertThat(Metrics.count()).isGreaterThan(70);
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void everyExpressionAsksForMetricsAndLabelsThatThereAre(Dashboard dashboard) {
    assertThat(dashboard.expressions()).hasSizeGreaterThan(15);
    for (String expression : dashboard.expressions()) {
      Query query = Query.of(Query.filledIn(expression), Map.of());
      assertThat(query.faults()).as(expression).isEmpty();
      assertThat(query.metrics()).as(expression).isNotEmpty();
      assertThat(query.labels()).as("%s: of the chosen nodes", expression).contains("node");
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void legendsNameLabelsThatTheExpressionHas(Dashboard dashboard) {
    for (JsonNode panel : dashboard.panels()) {
      for (JsonNode target : panel.path("targets")) {
        Set<String> labels = new HashSet<>();
        Query.of(Query.filledIn(target.path("expr").asText()), Map.of())
            .metrics()
            .forEach(name -> labels.addAll(Metrics.labelsOf(name).orElseThrow()));
        Matcher legend = LEGEND.matcher(target.path("legendFormat").asText());
        while (legend.find()) {
          assertThat(labels).as(panel.path("title").asText()).contains(legend.group(1));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void nothingIsTiedToOneGrafana(Dashboard dashboard) {
    JsonNode json = dashboard.json();
    assertThat(json.path("schemaVersion").asInt()).isGreaterThanOrEqualTo(39);
    assertThat(json.has("id")).isFalse();
    assertThat(json.path("uid").asText()).startsWith("aliquot-");
    Set<String> variables = new HashSet<>();
    json.at("/templating/list").forEach(each -> variables.add(each.path("name").asText()));
    assertThat(variables).contains("datasource", "node");
    List<String> titles = new ArrayList<>();
    for (JsonNode panel : dashboard.panels()) {
      titles.add(panel.path("title").asText());
      assertThat(panel.has("id")).isFalse();
      assertThat(panel.at("/datasource/uid").asText()).isEqualTo("${datasource}");
      assertThat(panel.at("/gridPos/x").asInt() + panel.at("/gridPos/w").asInt())
          .isLessThanOrEqualTo(24);
    }
    assertThat(titles).doesNotContain("");
    for (String expression : dashboard.expressions()) {
      Matcher used = VARIABLE.matcher(expression.replace("$__rate_interval", ""));
      while (used.find()) {
        assertThat(variables).as(expression).contains(used.group(1));
      }
    }
  }

  /** As recording rules, which is how Prometheus checks expressions without data. */
  @Test
  void prometheusItselfParsesEveryExpression(@TempDir Path folder) throws Exception {
    var rules = new YAMLMapper().createObjectNode();
    var group = rules.putArray("groups").addObject().put("name", "dashboards");
    var list = group.putArray("rules");
    for (Dashboard dashboard : Dashboard.all()) {
      for (String expression : dashboard.expressions()) {
        list.addObject()
            .put("record", "expression:" + list.size())
            .put("expr", Query.filledIn(expression));
      }
    }
    assertThat(list.size()).isGreaterThan(80);
    Path file = Files.writeString(folder.resolve("rules.yaml"), rules.toPrettyString());
    PrometheusPart.promtool("check", "rules", file.toString());
  }

  @Test
  void theChartCarriesThemAsTheyAre() throws IOException {
    Map<String, String> data =
        Chart.all(
                ConfigMap.class,
                Chart.objects("{metrics: {dashboards: {enabled: true, labels: {team: gpu}}}}"))
            .stream()
            .filter(map -> "gpu".equals(map.getMetadata().getLabels().get("team")))
            .findFirst()
            .orElseThrow()
            .getData();
    for (Dashboard dashboard : Dashboard.all()) {
      assertThat(new JsonMapper().readTree(data.get("aliquot-" + dashboard)))
          .isEqualTo(dashboard.json());
    }
    assertThat(data).hasSize(Dashboard.all().size());
  }
}
