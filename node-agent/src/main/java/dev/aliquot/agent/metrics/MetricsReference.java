package dev.aliquot.agent.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The reference page {@code docs/metrics.md}, made from the table of metrics. */
public final class MetricsReference {
  private MetricsReference() {}

  /** The whole page. */
  public static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Metrics

            This page is made from the program's own table of metrics (`aliquot reference metrics`); a test fails when it is stale.

            The agent serves them at `/metrics` (by default `http://127.0.0.1:9464/metrics`) in Prometheus' text format 0.0.4. Labels:
            `node` is the node's name, `device` a device's UUID, `tenant` a tenant's id; `namespace`, `pod` and `container` are empty for
            tenants that were not made by Kubernetes. Bytes are bytes of device memory,
            those of the host pool bytes of host memory.

            | name | type | labels | meaning |
            |---|---|---|---|
            """);
    for (Metric metric : MetricTable.all()) {
      List<String> labels = new ArrayList<>(List.of("node"));
      labels.addAll(metric.labels());
      page.append(
          "| `%s` | %s | %s | %s |\n"
              .formatted(
                  metric.name(),
                  metric.type().name().toLowerCase(Locale.ROOT),
                  String.join(", ", labels.stream().map(label -> "`" + label + "`").toList()),
                  metric.help()));
    }
    page.append(
        """

        A summary has `_count` and `_sum`: `rate(x_sum[5m]) / rate(x_count[5m])` is the mean.

        The agent's own process and JVM appear under `process_*` and `jvm_*` as the Prometheus Java client names them (standard, memory
        pools, garbage collectors, buffer pools, threads).
        """);
    return page.toString();
  }
}
