package dev.aliquot.agent.metrics;

import java.util.List;

/**
 * One value of a metric.
 *
 * @param suffix put behind the metric's name: empty, or {@code _count}, {@code _sum}, {@code
 *     _bucket}
 * @param labels values in the order of the metric's label names, without the node; of a bucket,
 *     then its bound
 */
record Sample(String suffix, List<String> labels, double value) {
  static Sample of(double value, String... labels) {
    return new Sample("", List.of(labels), value);
  }
}
