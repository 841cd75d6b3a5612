package dev.aliquot.agent.metrics;

import java.util.List;
import java.util.stream.Stream;

/** Every metric of Aliquot's own, in the reference page's order. */
final class MetricTable {
  private MetricTable() {}

  static List<Metric> all() {
    return Stream.of(
            NodeMetrics.all(),
            FaultMetrics.all(),
            TenantMetrics.all(),
            KubeletMetrics.all(),
            AgentMetrics.all(),
            HostPoolMetrics.all())
        .flatMap(List::stream)
        .toList();
  }
}
