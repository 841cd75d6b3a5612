package dev.aliquot.agent.metrics;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.view.NodeView;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import io.prometheus.client.hotspot.BufferPoolsExports;
import io.prometheus.client.hotspot.GarbageCollectorExports;
import io.prometheus.client.hotspot.MemoryPoolsExports;
import io.prometheus.client.hotspot.StandardExports;
import io.prometheus.client.hotspot.ThreadExports;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The page at {@code /metrics}, in Prometheus' text format 0.0.4. The JVM's own metrics join at the
 * first scrape, not at start. Thread-safe.
 */
public final class MetricsPage implements Supplier<String> {
  private final Supplier<NodeView> view;
  private final Supplier<AgentStats> stats;
  private @Nullable CollectorRegistry registry;

  /** Over sources that are cheap and thread-safe. */
  public MetricsPage(Supplier<NodeView> view, Supplier<AgentStats> stats) {
    this.view = view;
    this.stats = stats;
  }

  @Override
  public String get() {
    StringWriter page = new StringWriter(16 * 1024);
    try {
      TextFormat.write004(page, registry().metricFamilySamples());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return page.toString();
  }

  private synchronized CollectorRegistry registry() {
    if (registry == null) {
      registry = new CollectorRegistry();
      registry.register(new AliquotCollector(view, stats));
      registry.register(new StandardExports());
      registry.register(new MemoryPoolsExports());
      registry.register(new GarbageCollectorExports());
      registry.register(new BufferPoolsExports());
      registry.register(new ThreadExports());
    }
    return registry;
  }
}
