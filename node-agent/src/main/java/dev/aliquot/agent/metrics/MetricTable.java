package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.COUNTER;
import static io.prometheus.client.Collector.Type.GAUGE;
import static io.prometheus.client.Collector.Type.HISTOGRAM;
import static io.prometheus.client.Collector.Type.SUMMARY;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.count.Histogram;
import dev.aliquot.agent.count.Moves;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import io.prometheus.client.Collector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every metric of Aliquot's own, in the reference page's order. */
final class MetricTable {
  private static final List<String> DEVICE = List.of("device");
  private static final List<String> TENANT =
      List.of("device", "namespace", "pod", "container", "tenant");
  private static final List<String> BYPASS =
      List.of("device", "namespace", "pod", "container", "tenant", "kind");
  private static final double NANOS = 1e9;

  private static final List<Metric> ALL =
      List.of(
          node(
              "aliquot_build_info",
              List.of("version", "driver_version", "cuda_version", "simulated"),
              "1; the labels say what runs.",
              MetricTable::build),
          node(
              "aliquot_ready",
              List.of(),
              "Whether tenants can be served.",
              n -> List.of(Sample.of(bit(n.ready())))),
          node(
              "aliquot_start_time_seconds",
              List.of(),
              "When this agent started, in seconds since 1970.",
              n -> List.of(Sample.of(n.started().toEpochMilli() / 1e3))),
          node(
              "aliquot_last_sample_time_seconds",
              List.of(),
              "When the driver was last asked what processes hold, in seconds since 1970.",
              n -> List.of(Sample.of(n.sampled().toEpochMilli() / 1e3))),
          node(
              "aliquot_tenants",
              List.of(),
              "Tenants of the node.",
              n ->
                  List.of(
                      Sample.of(
                          (double) n.tenants().stream().map(TenantView::id).distinct().count()))),
          node(
              "aliquot_device_info",
              List.of("device", "index", "name", "pci_address"),
              "1; the labels say which device it is.",
              MetricTable::devices),
          device(
              "aliquot_device_memory_total_bytes",
              "Memory of the device as NVML says.",
              d -> d.totalBytes()),
          device(
              "aliquot_device_memory_reserved_bytes",
              "Held back by the driver.",
              d -> d.reservedBytes()),
          device(
              "aliquot_device_memory_headroom_bytes",
              "Held back by the configuration.",
              d -> d.headroomBytes()),
          device(
              "aliquot_device_memory_capacity_bytes",
              "What tenants can be given: total less reserved less headroom.",
              d -> d.capacityBytes()),
          device(
              "aliquot_device_memory_allocated_bytes",
              "The sum of the tenants' requests.",
              d -> d.allocatedBytes()),
          device(
              "aliquot_device_memory_loan_bytes",
              "What tenants use beyond their requests.",
              d -> d.loanBytes()),
          device(
              "aliquot_device_memory_used_bytes",
              "NVML's figure for everything on the device, without the reserved part.",
              d -> d.usedBytes()),
          device(
              "aliquot_device_healthy",
              "1: healthy; 0: unhealthy or unknown.",
              d -> bit(d.health().equals("healthy"))),
          known(
              "aliquot_device_utilization_ratio",
              "Share of time with a kernel running, 0 to 1; absent where the driver does not say.",
              d -> d.utilizationPercent() / 100.0),
          known(
              "aliquot_device_memory_utilization_ratio",
              "Share of time with memory traffic, 0 to 1; absent where the driver does not say.",
              d -> d.memoryUtilizationPercent() / 100.0),
          known(
              "aliquot_device_temperature_celsius",
              "Temperature; absent where the driver does not say.",
              d -> d.temperatureCelsius()),
          known(
              "aliquot_device_power_watts",
              "Power drawn; absent where the driver does not say.",
              d -> d.powerMilliwatts() < 0 ? -1 : d.powerMilliwatts() / 1e3),
          device(
              "aliquot_device_stranger_processes",
              "Processes on the device that belong to no tenant.",
              d -> d.strangers().size()),
          device(
              "aliquot_device_stranger_memory_bytes",
              "NVML's figure for processes that belong to no tenant.",
              d -> d.strangers().stream().mapToLong(ProcessView::groundTruthBytes).sum()),
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
              "Data of the tenant in host memory, at its own addresses.",
              t -> t.demotedBytes()),
          tenant(
              "aliquot_tenant_swapped",
              GAUGE,
              "1 while all of the tenant's data that moves is in host memory and its processes are at"
                  + " rest, until they need the device again.",
              t -> t.state().equals("swapped") ? 1 : 0),
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
          node(
              "aliquot_bypass_processes",
              BYPASS,
              "Processes whose memory is not accounted for, or (keeping) not given back; tenant and"
                  + " container are empty for strangers; absent where there are none.",
              n -> bypasses(n, list -> list.size())),
          node(
              "aliquot_bypass_memory_bytes",
              BYPASS,
              "What they hold that is not accounted for, or not given back.",
              n -> bypasses(n, list -> list.stream().mapToLong(BypassView::bytes).sum())),
          stats(
              "aliquot_bypass_findings_total",
              COUNTER,
              List.of("kind"),
              "Processes found whose memory was not accounted for, or not given back.",
              s -> byName(s.bypassFindings())),
          stats(
              "aliquot_bypass_actions_total",
              COUNTER,
              List.of("action"),
              "What was done about them; failed: the policy could not be carried out.",
              s -> byName(s.bypassActions())),
          counter(
              "aliquot_agent_asks_total", "Requests of tenants for more credit.", s -> s.asks()),
          counter(
              "aliquot_agent_grants_total",
              "Requests for more credit that were granted.",
              s -> s.grants()),
          counter(
              "aliquot_agent_settles_total",
              "Requests of tenants for a fresh reading after a call whose memory they cannot"
                  + " count.",
              s -> s.settles()),
          stats(
              "aliquot_agent_refusals_total",
              COUNTER,
              List.of("reason"),
              "Requests of tenants that were refused.",
              s -> byName(s.refusalsByStatus())),
          stats(
              "aliquot_take_back_seconds",
              HISTOGRAM,
              List.of("cause"),
              "How long requests for more memory waited for what others had: unused credit, a loan"
                  + " (moved away or given back), or stuck (in vain).",
              MetricTable::takeBacks),
          counter(
              "aliquot_swap_outs_total",
              "How often a tenant's process was swapped out: moved to host memory as a whole.",
              s -> s.swapOuts()),
          stats(
              "aliquot_swap_return_seconds",
              HISTOGRAM,
              List.of(),
              "How long processes that were swapped out waited for room when they needed the device"
                  + " again.",
              s -> histogram(List.of(), s.returns())),
          moves("aliquot_moved_bytes_total", "Bytes that tenants moved.", m -> m.bytes()),
          moves(
              "aliquot_move_copy_seconds_total",
              "Time that the copies of these moves took.",
              m -> m.copying().toNanos() / NANOS),
          moves(
              "aliquot_move_closed_seconds_total",
              "Time that programs were kept from submitting work by these moves.",
              m -> m.closed().toNanos() / NANOS),
          stats(
              "aliquot_moves_total",
              COUNTER,
              List.of("direction", "outcome"),
              "Attempts of tenants to move memory.",
              MetricTable::outcomes),
          counter(
              "aliquot_agent_malformed_frames_total",
              "Frames from tenants that could not be read.",
              s -> s.malformedFrames()),
          counter(
              "aliquot_agent_unknown_peers_total",
              "Connections by processes that are no tenant's.",
              s -> s.unknownPeers()),
          counter(
              "aliquot_agent_idle_connections_total",
              "Connections closed because nothing came in time.",
              s -> s.idleConnections()),
          counter(
              "aliquot_agent_reaped_processes_total",
              "Processes whose share was taken back because they were gone.",
              s -> s.reapedProcesses()),
          counter(
              "aliquot_agent_usage_page_anomalies_total",
              "Impossible values seen in what tenants write.",
              s -> s.usagePageAnomalies()),
          summary(
              "aliquot_agent_attach_seconds",
              "Time taken to attach a process to its tenant.",
              s -> s.attaches(),
              s -> s.attachTime()),
          summary(
              "aliquot_ground_truth_sample_seconds",
              "Time taken to ask the driver what the processes on one device hold.",
              s -> s.samples(),
              s -> s.sampleTime()),
          counter(
              "aliquot_ground_truth_sample_failures_total",
              "Readings of a device that failed or took too long.",
              s -> s.sampleFailures()));

  private MetricTable() {}

  static List<Metric> all() {
    return Stream.concat(ALL.stream(), HostPoolMetrics.all().stream()).toList();
  }

  private static Metric node(
      String name, List<String> labels, String help, Function<NodeView, List<Sample>> read) {
    return new Metric(name, GAUGE, labels, help, moment -> read.apply(moment.node()));
  }

  private static Metric device(String name, String help, ToDoubleFunction<DeviceView> value) {
    return new Metric(
        name,
        GAUGE,
        DEVICE,
        help,
        moment ->
            moment.node().devices().stream()
                .map(d -> Sample.of(value.applyAsDouble(d), d.uuid()))
                .toList());
  }

  /** As {@link #device}; a negative value means that the driver does not say. */
  private static Metric known(String name, String help, ToDoubleFunction<DeviceView> value) {
    return new Metric(
        name,
        GAUGE,
        DEVICE,
        help,
        moment ->
            moment.node().devices().stream()
                .filter(d -> value.applyAsDouble(d) >= 0)
                .map(d -> Sample.of(value.applyAsDouble(d), d.uuid()))
                .toList());
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

  private static Metric stats(
      String name,
      Collector.Type type,
      List<String> labels,
      String help,
      Function<AgentStats, List<Sample>> read) {
    return new Metric(name, type, labels, help, moment -> read.apply(moment.stats()));
  }

  private static Metric counter(String name, String help, ToDoubleFunction<AgentStats> value) {
    return stats(name, COUNTER, List.of(), help, s -> List.of(Sample.of(value.applyAsDouble(s))));
  }

  private static Metric summary(
      String name,
      String help,
      ToDoubleFunction<AgentStats> count,
      Function<AgentStats, Duration> time) {
    return stats(
        name,
        SUMMARY,
        List.of(),
        help,
        s ->
            List.of(
                new Sample("_count", List.of(), count.applyAsDouble(s)),
                new Sample("_sum", List.of(), time.apply(s).toNanos() / NANOS)));
  }

  private static Metric moves(String name, String help, ToDoubleFunction<Moves.Snapshot> value) {
    return stats(
        name,
        COUNTER,
        List.of("direction"),
        help,
        s ->
            List.of(
                Sample.of(value.applyAsDouble(s.demoted()), "demoted"),
                Sample.of(value.applyAsDouble(s.promoted()), "promoted")));
  }

  private static List<Sample> outcomes(AgentStats stats) {
    List<Sample> samples = new ArrayList<>();
    Map.of("demoted", stats.demoted(), "promoted", stats.promoted())
        .forEach(
            (direction, moves) ->
                moves
                    .byOutcome()
                    .forEach(
                        (outcome, count) ->
                            samples.add(Sample.of(count, direction, word(outcome)))));
    return samples;
  }

  private static List<Sample> takeBacks(AgentStats stats) {
    List<Sample> samples = new ArrayList<>();
    stats
        .takeBacks()
        .forEach((cause, waits) -> samples.addAll(histogram(List.of(word(cause)), waits)));
    return samples;
  }

  private static List<Sample> histogram(List<String> labels, Histogram.Snapshot waits) {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < waits.bounds().size(); i++) {
      String bound = Double.toString(waits.bounds().get(i).toNanos() / NANOS);
      samples.add(new Sample("_bucket", with(labels, bound), waits.upTo().get(i)));
    }
    samples.add(new Sample("_bucket", with(labels, "+Inf"), waits.count()));
    samples.add(new Sample("_count", labels, waits.count()));
    samples.add(new Sample("_sum", labels, waits.sum().toNanos() / NANOS));
    return samples;
  }

  private static List<String> with(List<String> labels, String last) {
    List<String> all = new ArrayList<>(labels);
    all.add(last);
    return all;
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static List<Sample> build(NodeView node) {
    return List.of(
        Sample.of(
            1,
            node.version(),
            node.driverVersion(),
            node.cudaVersion(),
            Boolean.toString(node.simulated())));
  }

  private static List<Sample> devices(NodeView node) {
    List<Sample> samples = new ArrayList<>();
    for (DeviceView d : node.devices()) {
      samples.add(Sample.of(1, d.uuid(), Integer.toString(d.index()), d.name(), d.pciAddress()));
    }
    return samples;
  }

  private static List<Sample> byName(Map<String, Long> counts) {
    List<Sample> samples = new ArrayList<>();
    for (Map.Entry<String, Long> count : new TreeMap<>(counts).entrySet()) {
      samples.add(Sample.of(count.getValue(), count.getKey()));
    }
    return samples;
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

  private static double bit(boolean value) {
    return value ? 1 : 0;
  }
}
