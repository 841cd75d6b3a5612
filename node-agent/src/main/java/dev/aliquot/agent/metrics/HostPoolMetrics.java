package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.COUNTER;
import static io.prometheus.client.Collector.Type.GAUGE;

import dev.aliquot.agent.view.HostPoolView;
import io.prometheus.client.Collector;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The metrics of the host pool, in the reference page's order. */
final class HostPoolMetrics {
  private static final List<Metric> ALL =
      List.of(
          pool(
              "aliquot_host_pool_available",
              GAUGE,
              "Whether host chunks can be made, as far as is known.",
              p -> p.available() ? 1 : 0),
          pool(
              "aliquot_host_pool_size_bytes",
              GAUGE,
              "The most that all host chunks may take together; 0: there is no host pool.",
              p -> p.sizeBytes()),
          pool(
              "aliquot_host_pool_reserve_bytes",
              GAUGE,
              "Available memory of the machine that the host pool leaves alone.",
              p -> p.reserveBytes()),
          pool(
              "aliquot_host_pool_made_bytes",
              GAUGE,
              "All host chunks, those of an earlier agent that are still held counted in.",
              p -> p.madeBytes()),
          pool(
              "aliquot_host_pool_prepared_bytes",
              GAUGE,
              "Host chunks made ahead, which nobody has had yet.",
              p -> p.preparedBytes()),
          pool(
              "aliquot_host_pool_taken_bytes",
              GAUGE,
              "Host chunks in the hands of tenants' processes.",
              p -> p.takenBytes()),
          pool(
              "aliquot_host_pool_idle_bytes",
              GAUGE,
              "Host chunks that tenants have given back and that are kept for them.",
              p -> p.idleBytes()),
          pool(
              "aliquot_host_pool_refusals_total",
              COUNTER,
              "Requests of tenants for a host chunk that were refused.",
              p -> p.refusals()),
          tenant(
              "aliquot_tenant_host_pool_taken_bytes",
              "Host chunks in the hands of the tenant's processes.",
              t -> t.takenBytes()),
          tenant(
              "aliquot_tenant_host_pool_idle_bytes",
              "Host chunks that the tenant has given back and that are kept for it.",
              t -> t.idleBytes()));

  private HostPoolMetrics() {}

  static List<Metric> all() {
    return ALL;
  }

  private static Metric pool(
      String name, Collector.Type type, String help, ToDoubleFunction<HostPoolView> value) {
    return new Metric(
        name,
        type,
        List.of(),
        help,
        moment -> List.of(Sample.of(value.applyAsDouble(moment.node().hostPool()))));
  }

  private static Metric tenant(
      String name, String help, ToDoubleFunction<HostPoolView.TenantShare> value) {
    return new Metric(
        name,
        GAUGE,
        List.of("tenant"),
        help,
        moment ->
            moment.node().hostPool().tenants().stream()
                .map(share -> Sample.of(value.applyAsDouble(share), share.tenant()))
                .toList());
  }
}
