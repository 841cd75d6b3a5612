package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.COUNTER;
import static io.prometheus.client.Collector.Type.GAUGE;

import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The metrics of tenants and of what is beside them, in the reference page's order. */
final class TenantMetrics {
  private static final List<String> TENANT =
      List.of("device", "namespace", "pod", "container", "tenant");
  private static final List<String> PINNED =
      List.of("device", "namespace", "pod", "container", "tenant", "reason");
  private static final List<String> BYPASS =
      List.of("device", "namespace", "pod", "container", "tenant", "kind");

  private static final List<Metric> ALL =
      List.of(
          tenant(
              "aliquot_tenant_memory_request_bytes",
              GAUGE,
              "Guaranteed to the tenant.",
              t -> t.requestBytes()),
          tenant(
              "aliquot_tenant_memory_limit_bytes",
              GAUGE,
              "The most the tenant may hold.",
              t -> t.limitBytes()),
          tenant(
              "aliquot_tenant_memory_credit_bytes",
              GAUGE,
              "What the tenant may hold right now without asking.",
              t -> t.creditBytes()),
          tenant(
              "aliquot_tenant_memory_loan_bytes",
              GAUGE,
              "What the tenant uses beyond its request: lent to it.",
              t -> t.loanBytes()),
          tenant(
              "aliquot_tenant_memory_demoted_bytes",
              GAUGE,
              "Data of the tenant in host memory, at its own addresses; of a process that is deep, all"
                  + " of its data.",
              t -> t.demotedBytes()),
          new Metric(
              "aliquot_tenant_pinned_bytes",
              GAUGE,
              PINNED,
              "What of the memory of the tenant's processes cannot move, by reason: shared, exported,"
                  + " host, rdma, opened; absent where there is none.",
              moment -> pinned(moment.node())),
          tenant(
              "aliquot_tenant_swapped",
              GAUGE,
              "1 while all of the tenant's data that moves is in host memory and its processes are at"
                  + " rest, until they need the device again.",
              t -> t.state().equals("swapped") || t.state().equals("deep") ? 1 : 0),
          tenant(
              "aliquot_tenant_deep",
              GAUGE,
              "1 while the contexts of the tenant's processes that are out have left the device, too.",
              t -> t.state().equals("deep") ? 1 : 0),
          tenant(
              "aliquot_tenant_swap_outs_total",
              COUNTER,
              "How often a process of the tenant was swapped out of the device.",
              t -> t.swap().swapOuts()),
          tenant(
              "aliquot_tenant_swap_wait_seconds_total",
              COUNTER,
              "How long the tenant's processes waited for room when they needed the device again.",
              t -> t.swap().waitedSeconds()),
          tenant(
              "aliquot_tenant_memory_used_bytes",
              GAUGE,
              "Held by the tenant: reported plus overhead.",
              t -> t.usedBytes()),
          tenant(
              "aliquot_tenant_memory_reported_bytes",
              GAUGE,
              "What the tenant's processes say they hold.",
              t -> t.reportedBytes()),
          tenant(
              "aliquot_tenant_memory_ground_truth_bytes",
              GAUGE,
              "NVML's figure for the tenant's processes.",
              t -> t.groundTruthBytes()),
          tenant(
              "aliquot_tenant_memory_overhead_bytes",
              GAUGE,
              "Ground truth beyond what was reported: contexts, modules.",
              t -> t.overheadBytes()),
          tenant(
              "aliquot_tenant_processes",
              GAUGE,
              "Processes of the tenant that use CUDA on the device.",
              t -> t.processes().size()),
          tenant(
              "aliquot_tenant_refusals_total",
              COUNTER,
              "Allocations refused because of the tenant's limit.",
              t -> t.refusals()),
          bypass(
              "aliquot_bypass_processes",
              "Processes whose memory is not accounted for, or (keeping) not given back; tenant and"
                  + " container are empty for strangers; absent where there are none.",
              list -> list.size()),
          bypass(
              "aliquot_bypass_memory_bytes",
              "What they hold that is not accounted for, or not given back.",
              list -> list.stream().mapToLong(BypassView::bytes).sum()));

  private TenantMetrics() {}

  static List<Metric> all() {
    return ALL;
  }

  private static Metric tenant(
      String name, Collector.Type type, String help, ToDoubleFunction<TenantView> value) {
    return new Metric(
        name,
        type,
        TENANT,
        help,
        moment ->
            moment.node().tenants().stream()
                .map(
                    t ->
                        Sample.of(
                            value.applyAsDouble(t),
                            t.device(),
                            t.namespace(),
                            t.pod(),
                            t.container(),
                            t.id()))
                .toList());
  }

  private static List<Sample> pinned(NodeView node) {
    return node.tenants().stream()
        .flatMap(
            t ->
                t.swap().pinned().stream()
                    .map(
                        pinned ->
                            Sample.of(
                                (double) pinned.bytes(),
                                t.device(),
                                t.namespace(),
                                t.pod(),
                                t.container(),
                                t.id(),
                                pinned.reason())))
        .toList();
  }

  private static Metric bypass(String name, String help, ToDoubleFunction<List<BypassView>> value) {
    return new Metric(name, GAUGE, BYPASS, help, moment -> bypasses(moment.node(), value));
  }

  private static List<Sample> bypasses(NodeView node, ToDoubleFunction<List<BypassView>> value) {
    List<Sample> samples = new ArrayList<>();
    for (DeviceView d : node.devices()) {
      byKind(d.bypasses())
          .forEach(
              (kind, list) ->
                  samples.add(
                      Sample.of(value.applyAsDouble(list), d.uuid(), "", "", "", "", kind)));
    }
    for (TenantView t : node.tenants()) {
      byKind(t.bypasses())
          .forEach(
              (kind, list) ->
                  samples.add(
                      Sample.of(
                          value.applyAsDouble(list),
                          t.device(),
                          t.namespace(),
                          t.pod(),
                          t.container(),
                          t.id(),
                          kind)));
    }
    return samples;
  }

  private static Map<String, List<BypassView>> byKind(List<BypassView> bypasses) {
    return bypasses.stream()
        .collect(Collectors.groupingBy(BypassView::kind, TreeMap::new, Collectors.toList()));
  }
}
