package dev.aliquot.agent.metrics;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.view.NodeView;
import io.prometheus.client.Collector;
import java.util.AbstractList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Answers a scrape from one view and one set of counters, one metric at a time so that a node full
 * of tenants does not fill the heap; keeps nothing between scrapes. Thread-safe where its sources
 * are.
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
    List<Metric> metrics = MetricTable.all();
    return new AbstractList<>() {
      @Override
      public MetricFamilySamples get(int index) {
        return metrics.get(index).collect(moment);
      }

      @Override
      public int size() {
        return metrics.size();
      }
    };
  }
}
