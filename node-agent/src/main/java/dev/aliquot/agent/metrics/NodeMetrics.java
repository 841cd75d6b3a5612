package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.GAUGE;

import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantView;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The metrics of the node and its devices, in the reference page's order. */
final class NodeMetrics {
  private static final List<String> DEVICE = List.of("device");

  private static final List<Metric> ALL =
      List.of(
          node(
              "aliquot_build_info",
              List.of("version", "driver_version", "cuda_version", "simulated"),
              "1; the labels say what runs.",
              NodeMetrics::build),
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
              NodeMetrics::devices),
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
              d -> d.strangers().stream().mapToLong(ProcessView::groundTruthBytes).sum()));

  private NodeMetrics() {}

  static List<Metric> all() {
    return ALL;
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

  private static double bit(boolean value) {
    return value ? 1 : 0;
  }
}
