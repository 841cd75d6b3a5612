package dev.aliquot.agent.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What the node is, and how its agent looks at it. */
final class NodeKeys {
  static final ConfigKey<Path> STATE_DIR =
      ConfigKey.derived(
          "state-dir",
          ConfigTypes.path(),
          "an absolute path",
          "/run/aliquot for root, else $XDG_RUNTIME_DIR/aliquot, else /tmp/aliquot-UID",
          "The folder of the agent's sockets, tenants and registry; one agent per folder.");
  static final ConfigKey<String> NODE_NAME =
      ConfigKey.derived(
          "node-name",
          ConfigTypes.text(
              "name",
              "[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?",
              "letters, digits, '.', '_' and '-'"),
          "letters, digits, '.', '_' and '-', at most 253",
          "the host's name",
          "The node's name in metrics and answers.");
  static final ConfigKey<SimulatedNode> SIMULATE =
      ConfigKey.derived(
          "simulate",
          new ConfigType<>("node", SimulatedNode::parse),
          SimulatedNode.ALLOWED,
          "none: the machine's own driver",
          "Serve a simulated node instead of the machine's devices.");
  static final ConfigKey<Path> NVML_LIBRARY =
      ConfigKey.derived(
          "nvml-library",
          ConfigTypes.path(),
          "an absolute path",
          "libnvidia-ml.so.1 where the system's loader finds it",
          "The driver's NVML library.");
  static final ConfigKey<Path> CUDA_LIBRARY =
      ConfigKey.derived(
          "cuda-library",
          ConfigTypes.path(),
          "an absolute path",
          "libcuda.so.1 where the system's loader finds it",
          "The CUDA driver library that tenants are led to.");
  static final ConfigKey<Path> LIBRARY_DIR =
      ConfigKey.derived(
          "library-dir",
          ConfigTypes.path(),
          "an absolute path on a file system that allows execution",
          "lib in the state folder, or /var/lib/aliquot where that does not allow execution",
          "Where the libraries that tenants load are unpacked.");
  static final ConfigKey<Double> HEADROOM_PERCENT =
      ConfigKey.fixed(
          "headroom-percent",
          ConfigTypes.bounded(
              "percentage", Percent::parse, 0d, 50d, "a percentage from 0 to 50 such as 3 or 2.5%"),
          "a percentage from 0 to 50",
          "3",
          "Part of each device's memory that no tenant is given.");
  static final ConfigKey<Long> HEADROOM_MIN =
      ConfigKey.fixed(
          "headroom-min",
          ConfigTypes.bounded(
              "size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 256MiB"),
          "a size from 0 to 1TiB",
          "256MiB",
          "The least that is held back on each device, whatever headroom-percent says.");
  static final ConfigKey<Duration> SAMPLE_PERIOD =
      ConfigKey.fixed(
          "sample-period",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(50),
              Duration.ofMinutes(1),
              "a duration from 50ms to 1m such as 1s"),
          "a duration from 50ms to 1m",
          "1s",
          "How often the driver is asked what each process really holds.");
  static final ConfigKey<Duration> AGENT_WAIT =
      ConfigKey.fixed(
          "agent-wait",
          ConfigTypes.bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofMinutes(10),
              "a duration from 0s to 10m such as 30s"),
          "a duration from 0s to 10m",
          "30s",
          "How long a tenant's request waits for an agent that is away before it fails.");

  static final List<ConfigKey<?>> ALL =
      List.of(
          STATE_DIR,
          NODE_NAME,
          SIMULATE,
          NVML_LIBRARY,
          CUDA_LIBRARY,
          LIBRARY_DIR,
          HEADROOM_PERCENT,
          HEADROOM_MIN,
          SAMPLE_PERIOD,
          AGENT_WAIT);

  private NodeKeys() {}
}
