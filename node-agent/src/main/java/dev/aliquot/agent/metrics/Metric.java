package dev.aliquot.agent.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * One metric. Every sample carries the label {@code node} before its own.
 *
 * @param name as it is scraped
 * @param labels beside {@code node}
 * @param help one sentence
 * @param read the samples of one moment; pure
 */
record Metric(
    String name,
    Collector.Type type,
    List<String> labels,
    String help,
    Function<Moment, List<Sample>> read) {

  MetricFamilySamples collect(Moment moment) {
    List<String> names = new ArrayList<>();
    names.add("node");
    names.addAll(labels);
    List<MetricFamilySamples.Sample> samples = new ArrayList<>();
    for (Sample sample : read.apply(moment)) {
      List<String> values = new ArrayList<>();
      values.add(moment.node().node());
      values.addAll(sample.labels());
      samples.add(
          new MetricFamilySamples.Sample(
              name + sample.suffix(),
              sample.suffix().equals("_bucket") ? withBound(names) : names,
              values,
              sample.value()));
    }
    return new MetricFamilySamples(name, type, help, samples);
  }

  private static List<String> withBound(List<String> names) {
    List<String> all = new ArrayList<>(names);
    all.add("le");
    return all;
  }
}
