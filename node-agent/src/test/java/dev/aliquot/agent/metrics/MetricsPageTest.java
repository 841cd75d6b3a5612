package dev.aliquot.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MetricsPageTest {
  private static final String LINE =
      "[a-zA-Z_:][a-zA-Z0-9_:]*(\\{([a-z_]+=\"([^\"\\\\\\n"
          + "]|\\\\[\"\\\\n"
          + "])*\",?)*\\})? [-+0-9.eEINaf]+";

  private static List<String> lines() {
    return new MetricsPage(SampleNode::node, SampleNode::stats).get().lines().toList();
  }

  @Test
  void theReferencePageIsFresh() throws IOException {
    assertThat(Files.readString(Path.of("../docs/metrics.md")))
        .as("write it anew with: aliquot reference metrics > docs/metrics.md")
        .isEqualTo(MetricsReference.markdown());
  }

  @Test
  void everyMetricOfTheTableIsOnThePageAndEveryOneOnThePageIsInTheTable() {
    List<String> table = MetricTable.all().stream().map(Metric::name).toList();
    List<String> scraped =
        lines().stream()
            .filter(line -> line.startsWith("# TYPE aliquot_"))
            .map(line -> line.substring("# TYPE ".length(), line.lastIndexOf(' ')))
            .toList();
    assertThat(scraped).containsExactlyInAnyOrderElementsOf(table).doesNotHaveDuplicates();
  }

  @Test
  void namesFollowPrometheusConventions() {
    for (Metric metric : MetricTable.all()) {
      assertThat(metric.name()).matches("aliquot_[a-z]+(_[a-z]+)*");
      boolean counter = metric.type() == io.prometheus.client.Collector.Type.COUNTER;
      assertThat(metric.name().endsWith("_total")).as(metric.name()).isEqualTo(counter);
      assertThat(metric.labels())
          .as(metric.name())
          .doesNotContain("node")
          .allMatch(label -> label.matches("[a-z_]+"));
      assertThat(metric.help()).as(metric.name()).endsWith(".");
    }
  }

  @Test
  void everyLineIsValidTextFormat() {
    assertThat(lines())
        .filteredOn(line -> !line.startsWith("#"))
        .isNotEmpty()
        .allMatch(line -> line.matches(LINE));
  }

  @Test
  void valuesCarryTheLabelsOfTheirDeviceAndTenant() {
    String device = "{node=\"worker-7\",device=\"" + SampleNode.DEVICE + "\",";
    String tenant =
        device
            + "namespace=\"ns \\\"quoted\\\"\",pod=\"pod\\\\1\",container=\"main\",tenant=\"t1\",}"
            + " ";
    assertThat(lines())
        .contains(
            "aliquot_device_memory_capacity_bytes" + device + "} 1.610612736E10",
            "aliquot_device_utilization_ratio" + device + "} 0.37",
            "aliquot_device_power_watts" + device + "} 250.5",
            "aliquot_device_stranger_memory_bytes" + device + "} 2.147483648E9",
            "aliquot_tenant_memory_used_bytes" + tenant + "3.221225472E9",
            "aliquot_tenant_refusals_total" + tenant + "7.0",
            "aliquot_host_pool_taken_bytes{node=\"worker-7\",} 2.147483648E9",
            "aliquot_host_pool_refusals_total{node=\"worker-7\",} 3.0",
            "aliquot_tenant_host_pool_idle_bytes{node=\"worker-7\",tenant=\"t1\",} 1.073741824E9",
            "aliquot_bypass_processes"
                + tenant.replace("t1\",", "t1\",kind=\"unattached\",")
                + "1.0",
            "aliquot_bypass_memory_bytes"
                + device
                + "namespace=\"\",pod=\"\",container=\"\",tenant=\"\",kind=\"stranger\",} 2.147483648E9",
            "aliquot_bypass_actions_total{node=\"worker-7\",action=\"killed\",} 1.0",
            "aliquot_tenants{node=\"worker-7\",} 2.0",
            "aliquot_agent_refusals_total{node=\"worker-7\",reason=\"limit\",} 2.0",
            "aliquot_ground_truth_sample_seconds_count{node=\"worker-7\",} 100.0",
            "aliquot_ground_truth_sample_seconds_sum{node=\"worker-7\",} 0.25")
        .anyMatch(line -> line.startsWith("jvm_memory_bytes_used"));
  }

  @Test
  void whatTheDriverDoesNotSayIsAbsent() {
    assertThat(lines())
        .noneMatch(line -> line.startsWith("aliquot_device_temperature_celsius{"))
        .noneMatch(line -> line.startsWith("aliquot_device_memory_utilization_ratio{"));
  }
}
