package dev.aliquot.agent.config;

import dev.aliquot.agent.pool.Lending;
import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.residency.SwapMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** The table of everything that can be configured. Order is the reference page's. */
public final class ConfigKeys {
  static final ConfigKey<Path> STATE_DIR =
      derived(
          "state-dir",
          path(),
          "an absolute path",
          "/run/aliquot for root, else $XDG_RUNTIME_DIR/aliquot, else /tmp/aliquot-UID",
          "The folder of the agent's sockets, tenants and registry; one agent per folder.");
  static final ConfigKey<String> NODE_NAME =
      derived(
          "node-name",
          text(
              "name",
              "[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?",
              "letters, digits, '.', '_' and '-'"),
          "letters, digits, '.', '_' and '-', at most 253",
          "the host's name",
          "The node's name in metrics and answers.");
  static final ConfigKey<SimulatedNode> SIMULATE =
      derived(
          "simulate",
          new ConfigType<>("node", SimulatedNode::parse),
          SimulatedNode.ALLOWED,
          "none: the machine's own driver",
          "Serve a simulated node instead of the machine's devices.");
  static final ConfigKey<Path> NVML_LIBRARY =
      derived(
          "nvml-library",
          path(),
          "an absolute path",
          "libnvidia-ml.so.1 where the system's loader finds it",
          "The driver's NVML library.");
  static final ConfigKey<Path> CUDA_LIBRARY =
      derived(
          "cuda-library",
          path(),
          "an absolute path",
          "libcuda.so.1 where the system's loader finds it",
          "The CUDA driver library that tenants are led to.");
  static final ConfigKey<Path> LIBRARY_DIR =
      derived(
          "library-dir",
          path(),
          "an absolute path on a file system that allows execution",
          "lib in the state folder, or /var/lib/aliquot where that does not allow execution",
          "Where the libraries that tenants load are unpacked.");
  static final ConfigKey<Double> HEADROOM_PERCENT =
      fixed(
          "headroom-percent",
          bounded(
              "percentage", Percent::parse, 0d, 50d, "a percentage from 0 to 50 such as 3 or 2.5%"),
          "a percentage from 0 to 50",
          "3",
          "Part of each device's memory that no tenant is given.");
  static final ConfigKey<Long> HEADROOM_MIN =
      fixed(
          "headroom-min",
          bounded("size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 256MiB"),
          "a size from 0 to 1TiB",
          "256MiB",
          "The least that is held back on each device, whatever headroom-percent says.");
  static final ConfigKey<Duration> SAMPLE_PERIOD =
      fixed(
          "sample-period",
          bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(50),
              Duration.ofMinutes(1),
              "a duration from 50ms to 1m such as 1s"),
          "a duration from 50ms to 1m",
          "1s",
          "How often the driver is asked what each process really holds.");
  static final ConfigKey<Duration> AGENT_WAIT =
      fixed(
          "agent-wait",
          bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofMinutes(10),
              "a duration from 0s to 10m such as 30s"),
          "a duration from 0s to 10m",
          "30s",
          "How long a tenant's request waits for an agent that is away before it fails.");
  static final ConfigKey<Long> HOST_POOL_SIZE =
      derived(
          "host-pool-size",
          bounded("size", ByteSize::parse, 0L, 1L << 50, "a size from 0 to 1024TiB such as 64GiB"),
          "a size from 0 to 1024TiB; 0: no host pool",
          "a quarter of the memory that is available when the agent starts",
          "The most pinned host memory that data of lent device memory may take, all tenants"
              + " together.");
  static final ConfigKey<Long> HOST_POOL_RESERVE =
      derived(
          "host-pool-reserve",
          bounded("size", ByteSize::parse, 0L, 1L << 50, "a size from 0 to 1024TiB such as 4GiB"),
          "a size from 0 to 1024TiB",
          "5 % of the machine's memory, at least 1GiB",
          "The host pool takes nothing that would leave the machine with less available memory.");
  static final ConfigKey<Long> HOST_POOL_PREPARED =
      fixed(
          "host-pool-prepared",
          bounded("size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 256MiB"),
          "a size from 0 to 1TiB",
          "256MiB",
          "Part of the host pool that is made ahead, in pieces of 64MiB, on each NUMA node next to a"
              + " device on which a tenant may borrow; where nobody may borrow, nothing is made and"
              + " the CUDA driver is not opened.");
  static final ConfigKey<Lending> LENDING =
      fixed(
          "lending",
          choice(Lending.class),
          "backed, always or off",
          "backed",
          "When guaranteed memory that nobody uses is lent to tenants with a higher limit: as far as"
              + " the host pool could take it, always (its owner may then have to wait for it), or"
              + " never.");
  static final ConfigKey<BypassPolicy> BYPASS_POLICY =
      fixed(
          "bypass-policy",
          choice(BypassPolicy.class),
          "report, suspend or stop",
          "report",
          "What is done about a tenant's process that never attached or holds much more than it"
              + " reports.");
  static final ConfigKey<BypassPolicy> STRANGER_POLICY =
      fixed(
          "stranger-policy",
          choice(BypassPolicy.class),
          "report, suspend or stop",
          "report",
          "The same for a process that is no tenant's; it may be somebody's display or monitoring.");
  static final ConfigKey<KeeperPolicy> KEEPER_POLICY =
      fixed(
          "keeper-policy",
          choice(KeeperPolicy.class),
          "report or stop",
          "report",
          "What is done about a tenant's process that does not give back what was lent to it while"
              + " another tenant, to which it is guaranteed, waits for it.");
  static final ConfigKey<Long> BYPASS_TOLERANCE =
      fixed(
          "bypass-tolerance",
          bounded("size", ByteSize::parse, 0L, 1L << 40, "a size from 0 to 1TiB such as 1GiB"),
          "a size from 0 to 1TiB",
          "1GiB",
          "How much more than its report and a context a process may hold before it counts as"
              + " underreporting.");
  static final ConfigKey<Duration> BYPASS_GRACE =
      fixed(
          "bypass-grace",
          bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofMinutes(10),
              "a duration from 0s to 10m such as 10s"),
          "a duration from 0s to 10m",
          "10s",
          "How long after SIGTERM a process that a policy stops is sent SIGKILL.");
  static final ConfigKey<LimitBackend> MEMORY_LIMITS =
      fixed(
          "memory-limits",
          choice(LimitBackend.class),
          "auto, interposer or driver",
          "auto",
          "driver: the driver's own limits (R615 and later) on a container's cgroup, beside the"
              + " interposer's; auto: where they are possible.");
  static final ConfigKey<Path> CGROUP_ROOT =
      fixed(
          "cgroup-root",
          path(),
          "an absolute path",
          "/sys/fs/cgroup",
          "Where cgroup version 2 is mounted.");
  static final ConfigKey<String> ADMIN_GROUP =
      derived(
          "admin-group",
          text("group", "[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", "a group's name or number"),
          "a group's name or number",
          "none: root and the agent's own user only",
          "The group whose members may create tenants, and end their own, over the administration"
              + " socket.");
  static final ConfigKey<String> HTTP_ADDRESS =
      fixed(
          "http-address",
          text("address", "[0-9A-Fa-f:.]{2,45}", "a numeric IPv4 or IPv6 address"),
          "a numeric IPv4 or IPv6 address",
          "127.0.0.1",
          "Where metrics and the API are served; 0.0.0.0 or :: opens them to the network,"
              + " unauthenticated.");
  static final ConfigKey<Integer> HTTP_PORT =
      fixed(
          "http-port",
          bounded("number", ConfigKeys::integer, 0, 65535, "a port from 0 to 65535"),
          "a port from 0 to 65535; 0 takes any free one",
          "9464",
          "Port of metrics and the API; the one in use is in agent.json in the state folder.");
  static final ConfigKey<Integer> HTTP_MAX_CONNECTIONS =
      fixed(
          "http-max-connections",
          bounded("number", ConfigKeys::integer, 1, 4096, "a number from 1 to 4096"),
          "a number from 1 to 4096",
          "64",
          "Connections served at once; a further one takes the place of one that rests between two"
              + " requests, or is closed. A quarter of them, 16 at most, may listen to the page's"
              + " stream.");
  static final ConfigKey<Duration> HTTP_IDLE_TIMEOUT =
      fixed(
          "http-idle-timeout",
          bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(100),
              Duration.ofHours(1),
              "a duration from 100ms to 1h such as 30s"),
          "a duration from 100ms to 1h",
          "30s",
          "A connection on which nothing happens for this long is closed.");
  static final ConfigKey<SwapMode> SWAP =
      fixed(
          "swap",
          choice(SwapMode.class),
          "never, allowed or preferred",
          "allowed",
          "Whether a tenant that does not say may be swapped out: moved to host memory as a whole"
              + " when another needs its memory, until it needs the device again.");
  static final ConfigKey<Duration> SWAP_IDLE_AFTER =
      fixed(
          "swap-idle-after",
          bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(100),
              Duration.ofHours(24),
              "a duration from 100ms to 24h such as 5s"),
          "a duration from 100ms to 24h",
          "5s",
          "A tenant that has not used its device for this long counts as idle.");
  static final ConfigKey<Duration> SWAP_MINIMUM_RESIDENCY =
      fixed(
          "swap-minimum-residency",
          bounded(
              "duration",
              Durations::parse,
              Duration.ZERO,
              Duration.ofHours(24),
              "a duration from 0s to 24h such as 2s"),
          "a duration from 0s to 24h",
          "2s",
          "How long a tenant keeps a device at least once it has it. One that uses the device keeps"
              + " it for nine times as long as an exchange takes, too.");
  static final ConfigKey<Optional<Duration>> SWAP_DEEP_AFTER =
      fixed(
          "swap-deep-after",
          orNever(
              bounded(
                  "duration",
                  Durations::parse,
                  Duration.ofMillis(100),
                  Duration.ofHours(24),
                  "never or a duration from 100ms to 24h such as 1m")),
          "never, or a duration from 100ms to 24h",
          "never",
          "A tenant that has been swapped out for this long leaves the device with its contexts, too,"
              + " by the driver's checkpoint (R570 and later). It takes longer to come back. So does"
              + " one of which nothing moves, when memory is short and it has been idle.");
  static final ConfigKey<Duration> SWAP_DEEP_LOCK_TIMEOUT =
      fixed(
          "swap-deep-lock-timeout",
          bounded(
              "duration",
              Durations::parse,
              Duration.ofMillis(10),
              Duration.ofMinutes(1),
              "a duration from 10ms to 1m such as 2s"),
          "a duration from 10ms to 1m",
          "2s",
          "How long the driver may take to have a process at rest before its checkpoint; then it"
              + " stays swapped out as it was.");
  static final ConfigKey<Path> KERNEL_LOG =
      derived(
          "kernel-log",
          path(),
          "an absolute path",
          "/dev/kmsg, or the simulated node's",
          "Where the kernel log is read: the device, or a file of such records or of plain lines.");
  static final ConfigKey<String> HEALTH_PROFILE =
      fixed(
          "health-profile",
          text("profile", String.join("|", Catalogue.profiles()), "nvidia, eks or hyperpod"),
          "nvidia, eks or hyperpod",
          "nvidia",
          "Whose view counts of what an XID asks for, where platforms disagree.");
  static final ConfigKey<Path> HEALTH_CATALOGUE =
      derived(
          "health-catalogue",
          path(),
          "an absolute path",
          "none",
          "A YAML file with rows of the table of XIDs that are other here.");
  static final ConfigKey<Duration> HEALTH_HOLD =
      fixed(
          "health-hold",
          bounded(
              "duration",
              Durations::parse,
              Duration.ofSeconds(1),
              Duration.ofHours(1),
              "a duration from 1s to 1h such as 30s"),
          "a duration from 1s to 1h",
          "30s",
          "How long nothing may be wrong with a device that was out before it is trusted again;"
              + " longer each time that it was out within an hour.");
  static final ConfigKey<OutPolicy> HEALTH_TENANTS =
      fixed(
          "health-tenants",
          choice(OutPolicy.class),
          "keep, save or stop",
          "keep",
          "What becomes of the tenants of a device that is out: they run on; those that may be swapped"
              + " out leave it, with their contexts, until they need it again; or their processes are"
              + " ended, unless the device is only to be drained.");
  static final ConfigKey<Double> HEALTH_DEVICE_BREAKER =
      fixed(
          "health-device-breaker",
          bounded("percentage", Percent::parse, 0d, 100d, "a percentage from 0 to 100 such as 50"),
          "a percentage from 0 to 100",
          "50",
          "Part of the node's devices that faults read from the kernel log or from events may take out"
              + " at once; at least one may. What the driver itself says of a device is not held back.");
  static final ConfigKey<Integer> EXPECTED_DEVICES =
      fixed(
          "expected-devices",
          bounded("number", Integer::parseInt, 0, 64, "a number from 0 to 64"),
          "a number from 0 to 64; 0: not checked",
          "0",
          "How many devices the node has; fewer is told as a degradation.");
  static final ConfigKey<KubernetesMode> HEALTH_KUBERNETES =
      fixed(
          "health-kubernetes",
          choice(KubernetesMode.class),
          "off, dry-run or on",
          "off",
          "Tell the cluster of faults: a condition and a label of the node, Events; dry-run: read the"
              + " cluster and only say what would be changed.");
  static final ConfigKey<Boolean> HEALTH_TAINT =
      fixed(
          "health-taint",
          onOff(),
          "on or off",
          "off",
          "Keep new pods off a node of which no device takes tenants.");
  static final ConfigKey<EvictionPolicy> HEALTH_EVICT =
      fixed(
          "health-evict",
          choice(EvictionPolicy.class),
          "none, evict or delete",
          "none",
          "What is done with pods that had something on a device that is lost; evict: as their"
              + " disruption budgets allow.");
  static final ConfigKey<Set<FaultClass>> HEALTH_HYPERPOD =
      fixed(
          "health-hyperpod",
          new ConfigType<>("list", ConfigKeys::repairs),
          "none, or some of reset, node and replace with commas between",
          "none",
          "For which classes of faults SageMaker HyperPod is asked to reboot or replace the node.");
  static final ConfigKey<Double> HEALTH_BREAKER =
      fixed(
          "health-breaker",
          bounded("percentage", Percent::parse, 0d, 100d, "a percentage from 0 to 100 such as 20"),
          "a percentage from 0 to 100",
          "20",
          "Part of the nodes with GPUs that may be out at once for a node to be tainted, repaired or"
              + " emptied; at least one may.");
  static final ConfigKey<Boolean> DEVICE_PLUGIN =
      fixed(
          "device-plugin",
          onOff(),
          "on or off",
          "off",
          "Offer the devices to the node's kubelet, and make tenants for the containers that it gives"
              + " a part of one; needs root.");
  static final ConfigKey<Path> KUBELET_DIR =
      fixed(
          "kubelet-dir",
          path(),
          "an absolute path",
          "/var/lib/kubelet",
          "The kubelet's folder, with its sockets for plugins.");
  static final ConfigKey<String> RESOURCE_NAME =
      fixed(
          "resource-name",
          text(
              "name",
              "[a-z0-9][a-z0-9.-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
              "a resource's name such as aliquot.dev/gpu-fraction"),
          "a resource's name such as aliquot.dev/gpu-fraction",
          "aliquot.dev/gpu-fraction",
          "What containers ask for in their limits; a device has 100 of it.");
  static final ConfigKey<String> ANNOTATION_PREFIX =
      fixed(
          "annotation-prefix",
          text("name", "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a domain such as aliquot.dev"),
          "a domain such as aliquot.dev",
          "aliquot.dev",
          "What the names of pods' annotations begin with, before the stroke.");
  static final ConfigKey<PlacementPolicy> PLACEMENT =
      fixed(
          "placement",
          choice(PlacementPolicy.class),
          "pack or spread",
          "pack",
          "Which device a part of one is taken of; pack: the fullest that has room; spread: the"
              + " emptiest.");
  static final ConfigKey<InjectionWay> INJECTION =
      fixed(
          "injection",
          choice(InjectionWay.class),
          "envvar or cdi",
          "envvar",
          "How containers get their devices; envvar: NVIDIA's container runtime reads the"
              + " environment; cdi: the runtime resolves names of CDI devices.");
  static final ConfigKey<String> CDI_KIND =
      fixed(
          "cdi-kind",
          text(
              "name",
              "[a-z0-9][a-z0-9.-]{0,99}/[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
              "a CDI kind such as nvidia.com/gpu"),
          "a CDI kind such as nvidia.com/gpu",
          "nvidia.com/gpu",
          "The kind of the CDI devices, which are named by their UUIDs.");
  static final ConfigKey<Boolean> POD_ANNOTATIONS =
      fixed(
          "pod-annotations",
          onOff(),
          "on or off",
          "off",
          "Read the annotations of the node's pods from the API server; off: each container has what"
              + " its resource says and borrows nothing.");
  static final ConfigKey<LogLevel> LOG_LEVEL =
      fixed(
          "log-level",
          choice(LogLevel.class),
          "error, warn, info, debug or trace",
          "info",
          "The least severe messages that are logged.");
  static final ConfigKey<LogFormat> LOG_FORMAT =
      fixed(
          "log-format",
          choice(LogFormat.class),
          "auto, json or text",
          "auto",
          "json: one object a line; text: for a reader; auto: text where stderr is a terminal, else"
              + " json.");

  private static final List<ConfigKey<?>> ALL =
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
          AGENT_WAIT,
          HOST_POOL_SIZE,
          HOST_POOL_RESERVE,
          HOST_POOL_PREPARED,
          LENDING,
          BYPASS_POLICY,
          STRANGER_POLICY,
          KEEPER_POLICY,
          BYPASS_TOLERANCE,
          BYPASS_GRACE,
          MEMORY_LIMITS,
          CGROUP_ROOT,
          SWAP,
          SWAP_IDLE_AFTER,
          SWAP_MINIMUM_RESIDENCY,
          SWAP_DEEP_AFTER,
          SWAP_DEEP_LOCK_TIMEOUT,
          KERNEL_LOG,
          HEALTH_PROFILE,
          HEALTH_CATALOGUE,
          HEALTH_HOLD,
          HEALTH_TENANTS,
          HEALTH_DEVICE_BREAKER,
          EXPECTED_DEVICES,
          HEALTH_KUBERNETES,
          HEALTH_TAINT,
          HEALTH_EVICT,
          HEALTH_HYPERPOD,
          HEALTH_BREAKER,
          DEVICE_PLUGIN,
          KUBELET_DIR,
          RESOURCE_NAME,
          ANNOTATION_PREFIX,
          PLACEMENT,
          INJECTION,
          CDI_KIND,
          POD_ANNOTATIONS,
          ADMIN_GROUP,
          HTTP_ADDRESS,
          HTTP_PORT,
          HTTP_MAX_CONNECTIONS,
          HTTP_IDLE_TIMEOUT,
          LOG_LEVEL,
          LOG_FORMAT);

  private ConfigKeys() {}

  /** Every key, in the reference page's order. */
  public static List<ConfigKey<?>> all() {
    return ALL;
  }

  private static <T> ConfigKey<T> fixed(
      String name, ConfigType<T> type, String allowed, String defaultText, String description) {
    return new ConfigKey<>(name, type, allowed, defaultText, false, description);
  }

  private static <T> ConfigKey<T> derived(
      String name, ConfigType<T> type, String allowed, String defaultText, String description) {
    return new ConfigKey<>(name, type, allowed, defaultText, true, description);
  }

  private static <T extends Comparable<T>> ConfigType<T> bounded(
      String name, Function<String, T> parse, T least, T most, String allowed) {
    return new ConfigType<>(
        name,
        text -> {
          T value;
          try {
            value = parse.apply(text);
          } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed, e);
          }
          if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed);
          }
          return value;
        });
  }

  private static <T> ConfigType<Optional<T>> orNever(ConfigType<T> type) {
    return new ConfigType<>(
        type.name(),
        text ->
            text.strip().equalsIgnoreCase("never")
                ? Optional.empty()
                : Optional.of(type.parse().apply(text)));
  }

  private static ConfigType<String> text(String name, String pattern, String allowed) {
    return new ConfigType<>(
        name,
        text -> {
          if (!text.matches(pattern)) {
            throw new IllegalArgumentException("'" + text + "' is not " + allowed);
          }
          return text;
        });
  }

  private static ConfigType<Boolean> onOff() {
    return new ConfigType<>(
        "word",
        text ->
            switch (text.strip().toLowerCase(Locale.ROOT)) {
              case "on" -> true;
              case "off" -> false;
              default -> throw new IllegalArgumentException("'" + text + "' is not one of on, off");
            });
  }

  private static Set<FaultClass> repairs(String text) {
    EnumSet<FaultClass> repairs = EnumSet.noneOf(FaultClass.class);
    if (text.strip().equals("none")) {
      return Set.of();
    }
    for (String part : text.split(",", -1)) {
      FaultClass each = FaultClass.of(part.strip());
      if (!each.isDevices()) {
        throw new IllegalArgumentException(
            "'" + part.strip() + "' asks for no repair; there is reset, node and replace");
      }
      repairs.add(each);
    }
    return Set.copyOf(repairs);
  }

  private static ConfigType<Path> path() {
    return new ConfigType<>("path", ConfigKeys::absolute);
  }

  private static Path absolute(String text) {
    if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("'" + text + "' is not an absolute path");
    }
    return Path.of(text).normalize();
  }

  private static <E extends Enum<E>> ConfigType<E> choice(Class<E> values) {
    return new ConfigType<>(
        "word",
        text -> {
          for (E value : values.getEnumConstants()) {
            if (word(value).equals(text.toLowerCase(Locale.ROOT))) {
              return value;
            }
          }
          throw new IllegalArgumentException(
              "'" + text + "' is not one of " + String.join(", ", names(values)));
        });
  }

  private static <E extends Enum<E>> List<String> names(Class<E> values) {
    return List.of(values.getEnumConstants()).stream().map(ConfigKeys::word).toList();
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static int integer(String text) {
    return Integer.parseInt(text.strip());
  }
}
