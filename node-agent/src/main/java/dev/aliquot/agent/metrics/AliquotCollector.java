package dev.aliquot.agent.metrics;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.view.NodeView;
import io.prometheus.client.Collector;
import java.util.List;
import java.util.function.Supplier;

/**
 * Answers a scrape from one view and one set of counters; keeps nothing between scrapes.
 * Thread-safe where its sources are.
 */
final class AliquotCollector extends Collector {
  private final Supplier<NodeView> view;
  private final Supplier<AgentStats> stats;

  AliquotCollector(Supplier<NodeView> view, Supplier<AgentStats> stats) {
    this.view = view;
    this.stats = stats;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    Moment moment = new Moment(view.get(), stats.get());
    return MetricTable.all().stream().map(metric -> metric.collect(moment)).toList();
  }
}
