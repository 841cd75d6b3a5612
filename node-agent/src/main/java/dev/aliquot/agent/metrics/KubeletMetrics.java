package dev.aliquot.agent.metrics;

import dev.aliquot.agent.view.KubeletView;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** What the kubelet is offered and given; nothing where none is served. */
final class KubeletMetrics {
  private static final List<Metric> ALL =
      List.of(
          metric(
              "aliquot_kubelet_registered",
              Collector.Type.GAUGE,
              List.of("resource"),
              "1 while the kubelet knows the device plugin.",
              view -> List.of(Sample.of(view.registered() ? 1 : 0, view.resource()))),
          metric(
              "aliquot_kubelet_problems",
              Collector.Type.GAUGE,
              List.of(),
              "How many things keep containers from being given devices; /readyz has the sentences.",
              view -> List.of(Sample.of(view.problems().size()))),
          metric(
              "aliquot_kubelet_granted_units",
              Collector.Type.GAUGE,
              List.of("device"),
              "Hundredths of a device that the kubelet has allocated to containers.",
              KubeletMetrics::units),
          metric(
              "aliquot_kubelet_events_total",
              Collector.Type.COUNTER,
              List.of("what"),
              "What the device plugin has done: registrations-by-folder, registrations-by-call,"
                  + " allocations, refusals, starts, freed, and others.",
              view -> counts(view.counts())),
          metric(
              "aliquot_kubelet_waits_total",
              Collector.Type.COUNTER,
              List.of("why"),
              "Starts of containers that had to wait, by reason; one container may be counted often.",
              view -> counts(view.waits())),
          metric(
              "aliquot_kubelet_allocate_seconds",
              Collector.Type.HISTOGRAM,
              List.of(),
              "How long the kubelet stood still for an allocation.",
              KubeletMetrics::times));

  private KubeletMetrics() {}

  static List<Metric> all() {
    return ALL;
  }

  private static Metric metric(
      String name,
      Collector.Type type,
      List<String> labels,
      String help,
      Function<KubeletView, List<Sample>> read) {
    return new Metric(
        name,
        type,
        labels,
        help,
        moment -> {
          KubeletView view = moment.node().kubelet();
          return view == null ? List.of() : read.apply(view);
        });
  }

  private static List<Sample> units(KubeletView view) {
    Map<String, Integer> units = new TreeMap<>();
    for (KubeletView.GrantView grant : view.grants()) {
      grant.devices().forEach(device -> units.merge(device, grant.units(), Integer::sum));
    }
    return units.entrySet().stream()
        .map(each -> Sample.of(each.getValue(), each.getKey()))
        .toList();
  }

  private static List<Sample> counts(Map<String, Long> counts) {
    return counts.entrySet().stream()
        .map(each -> Sample.of(each.getValue(), each.getKey()))
        .toList();
  }

  private static List<Sample> times(KubeletView view) {
    List<Sample> samples = new ArrayList<>();
    for (KubeletView.Bucket bucket : view.allocateBuckets()) {
      samples.add(
          new Sample(
              "_bucket", List.of(Collector.doubleToGoString(bucket.seconds())), bucket.calls()));
    }
    samples.add(new Sample("_bucket", List.of("+Inf"), view.allocateCalls()));
    samples.add(new Sample("_count", List.of(), view.allocateCalls()));
    samples.add(new Sample("_sum", List.of(), view.allocateSeconds()));
    return samples;
  }
}
