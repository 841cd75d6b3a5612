package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.COUNTER;
import static io.prometheus.client.Collector.Type.GAUGE;
import static io.prometheus.client.Collector.Type.HISTOGRAM;

import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.HealthView;
import dev.aliquot.agent.view.KubernetesView;
import dev.aliquot.health.device.DeviceState;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The metrics of faults and of what they make of devices, in the reference page's order. */
final class FaultMetrics {
  private static final List<Metric> ALL =
      List.of(
          new Metric(
              "aliquot_faults_total",
              COUNTER,
              List.of("device", "code", "class", "namespace", "pod", "tenant", "drill"),
              "Faults by device, XID (or word), class, and the tenant that is to blame, if any.",
              moment -> faults(moment.stats().faults())),
          new Metric(
              "aliquot_device_state",
              GAUGE,
              List.of("device", "state"),
              "1 for the state that the device is in, 0 for the others.",
              moment -> states(moment.node().devices())),
          new Metric(
              "aliquot_device_replace",
              GAUGE,
              List.of("device"),
              "1: the device wants replacing.",
              moment ->
                  moment.node().devices().stream()
                      .map(device -> Sample.of(device.replace() ? 1 : 0, device.uuid()))
                      .toList()),
          new Metric(
              "aliquot_fault_reaction_seconds",
              HISTOGRAM,
              List.of("reaction"),
              "How long after a fault was written the device took no new tenants (device_out), or a"
                  + " tenant was named (blame).",
              moment -> reactions(moment)),
          health(
              "aliquot_health_degraded",
              GAUGE,
              "How many things keep faults from being seen or acted on; aliquot health names them.",
              h -> h.degraded().size()),
          health(
              "aliquot_devices_held_back",
              GAUGE,
              "Devices that a fault would take out, and that take tenants as health-device-breaker"
                  + " lets no more be out.",
              h -> h.heldBack()),
          health(
              "aliquot_kernel_log_readable",
              GAUGE,
              "Whether the kernel log is being followed.",
              h -> h.kernelLogReadable() ? 1 : 0),
          health(
              "aliquot_kernel_log_records_total",
              COUNTER,
              "Records read of the kernel log.",
              h -> h.kernelLogRecords()),
          health(
              "aliquot_kernel_log_lost_total",
              COUNTER,
              "Records of the kernel log that were overwritten before they were read.",
              h -> h.kernelLogLost()),
          cluster(
              "aliquot_kubernetes_pending",
              GAUGE,
              "Changes and Events that the cluster does not have yet; no sample where none is told.",
              KubernetesView::pending),
          cluster(
              "aliquot_kubernetes_failures_total",
              COUNTER,
              "Requests to the API server that failed.",
              KubernetesView::failures),
          cluster(
              "aliquot_kubernetes_events_dropped_total",
              COUNTER,
              "Events that were never written because too many waited.",
              KubernetesView::eventsDropped),
          cluster(
              "aliquot_health_breaker_open",
              GAUGE,
              "1: the node should be taken out, and too many others are out already.",
              k -> k.breaker().isEmpty() ? 0 : 1));

  private FaultMetrics() {}

  static List<Metric> all() {
    return ALL;
  }

  private static Metric health(
      String name, Collector.Type type, String help, ToDoubleFunction<HealthView> value) {
    return new Metric(
        name,
        type,
        List.of(),
        help,
        moment -> List.of(Sample.of(value.applyAsDouble(moment.node().health()))));
  }

  private static Metric cluster(
      String name, Collector.Type type, String help, ToDoubleFunction<KubernetesView> value) {
    return new Metric(
        name,
        type,
        List.of(),
        help,
        moment -> {
          KubernetesView view = moment.node().health().kubernetes();
          return view == null ? List.of() : List.of(Sample.of(value.applyAsDouble(view)));
        });
  }

  private static List<Sample> faults(Map<FaultCounts.Kind, Long> counts) {
    List<Sample> samples = new ArrayList<>();
    counts.forEach(
        (kind, count) ->
            samples.add(
                Sample.of(
                    count,
                    kind.device(),
                    kind.code(),
                    kind.faultClass(),
                    kind.namespace(),
                    kind.pod(),
                    kind.tenant(),
                    Boolean.toString(kind.drill()))));
    return samples;
  }

  private static List<Sample> states(List<DeviceView> devices) {
    List<Sample> samples = new ArrayList<>();
    for (DeviceView device : devices) {
      for (DeviceState state : DeviceState.values()) {
        boolean is = device.state().equals(state.label());
        samples.add(Sample.of(is ? 1 : 0, device.uuid(), state.label()));
      }
    }
    return samples;
  }

  private static List<Sample> reactions(Moment moment) {
    List<Sample> samples = new ArrayList<>();
    moment
        .stats()
        .faultReactions()
        .forEach((what, waits) -> samples.addAll(AgentMetrics.histogram(List.of(what), waits)));
    return samples;
  }
}
