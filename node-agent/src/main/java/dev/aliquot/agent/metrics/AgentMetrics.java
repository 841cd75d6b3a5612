package dev.aliquot.agent.metrics;

import static io.prometheus.client.Collector.Type.COUNTER;
import static io.prometheus.client.Collector.Type.HISTOGRAM;
import static io.prometheus.client.Collector.Type.SUMMARY;

import dev.aliquot.agent.AgentStats;
import dev.aliquot.agent.count.Histogram;
import dev.aliquot.agent.count.Moves;
import io.prometheus.client.Collector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The metrics of what the agent has done, in the reference page's order. */
final class AgentMetrics {
  private static final double NANOS = 1e9;

  private static final List<Metric> ALL =
      List.of(
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
              AgentMetrics::takeBacks),
          counter(
              "aliquot_swap_outs_total",
              "How often a tenant's process was swapped out: moved to host memory as a whole.",
              s -> s.swapOuts()),
          counter(
              "aliquot_deep_swaps_total",
              "How often the contexts of a process that was out left its devices, too.",
              s -> s.dives()),
          counter(
              "aliquot_deep_swap_failures_total",
              "How often contexts were to leave their devices, and stayed.",
              s -> s.diveFailures()),
          counter(
              "aliquot_deep_swap_returns_total",
              "How often contexts came back to their devices.",
              s -> s.rises()),
          counter(
              "aliquot_deep_swap_lost_total",
              "Processes that the driver did not let go on after their contexts had left.",
              s -> s.lostProcesses()),
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
              AgentMetrics::outcomes),
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

  private AgentMetrics() {}

  static List<Metric> all() {
    return ALL;
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

  static List<Sample> histogram(List<String> labels, Histogram.Snapshot waits) {
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

  private static List<Sample> byName(Map<String, Long> counts) {
    List<Sample> samples = new ArrayList<>();
    for (Map.Entry<String, Long> count : new TreeMap<>(counts).entrySet()) {
      samples.add(Sample.of(count.getValue(), count.getKey()));
    }
    return samples;
  }
}
