package dev.aliquot.agent.config;

import dev.aliquot.agent.pool.Lending;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.residency.SwapMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts the configuration together: a flag wins over the environment, that over the file, that over
 * the default. A value that is wrong is an error even where a stronger source overrides it, so that
 * a broken file is found on the day it is written.
 */
public final class ConfigLoader {
  private final Map<String, String> environment;
  private final MachineDefaults machine;

  /** Reads defaults that depend on the machine from {@code machine}. */
  public ConfigLoader(Map<String, String> environment, MachineDefaults machine) {
    this.environment = Map.copyOf(environment);
    this.machine = machine;
  }

  /** For this process: its environment, this machine. */
  public static ConfigLoader system() {
    return new ConfigLoader(System.getenv(), MachineDefaults.system());
  }

  /**
   * Loads.
   *
   * @param flags by key name, without the leading hyphens
   * @param file null: no file
   * @throws ConfigException naming every fault
   */
  public AgentConfig load(Map<String, String> flags, @Nullable Path file) throws ConfigException {
    return assemble(flags, file == null ? Map.of() : ConfigFile.read(file));
  }

  /** As {@link #load}, with the file's text at hand. */
  AgentConfig loadText(Map<String, String> flags, String content, String name)
      throws ConfigException {
    return assemble(flags, ConfigFile.parse(content, name));
  }

  private AgentConfig assemble(Map<String, String> flags, Map<String, Given> file)
      throws ConfigException {
    List<String> faults = new ArrayList<>();
    List<String> known = ConfigKeys.all().stream().map(ConfigKey::name).toList();
    file.forEach(
        (key, given) -> {
          if (!known.contains(key)) {
            faults.add(given.origin() + ": unknown key '" + key + "'; " + Nearest.hint(key, known));
          }
        });
    for (String flag : flags.keySet()) {
      if (!known.contains(flag)) {
        faults.add("unknown flag --" + flag + "; " + Nearest.hint(flag, known));
      }
    }
    Values values = new Values(flags, file, faults);
    Path stateDir = values.orNull(NodeKeys.STATE_DIR);
    String nodeName = values.orNull(NodeKeys.NODE_NAME);
    SimulatedNode simulate = values.orNull(NodeKeys.SIMULATE);
    Path nvml = values.orNull(NodeKeys.NVML_LIBRARY);
    Path cuda = values.orNull(NodeKeys.CUDA_LIBRARY);
    Path libraryDir = values.orNull(NodeKeys.LIBRARY_DIR);
    Double headroomPercent = values.orNull(NodeKeys.HEADROOM_PERCENT);
    Long headroomMinBytes = values.orNull(NodeKeys.HEADROOM_MIN);
    var samplePeriod = values.orNull(NodeKeys.SAMPLE_PERIOD);
    var agentWait = values.orNull(NodeKeys.AGENT_WAIT);
    Long hostPoolBytes = values.orNull(LendingKeys.HOST_POOL_SIZE);
    Long hostPoolReserveBytes = values.orNull(LendingKeys.HOST_POOL_RESERVE);
    Long hostPoolPreparedBytes = values.orNull(LendingKeys.HOST_POOL_PREPARED);
    Lending lending = values.orNull(LendingKeys.LENDING);
    BypassPolicy bypassPolicy = values.orNull(LendingKeys.BYPASS_POLICY);
    BypassPolicy strangerPolicy = values.orNull(LendingKeys.STRANGER_POLICY);
    KeeperPolicy keeperPolicy = values.orNull(LendingKeys.KEEPER_POLICY);
    Long bypassToleranceBytes = values.orNull(LendingKeys.BYPASS_TOLERANCE);
    var bypassGrace = values.orNull(LendingKeys.BYPASS_GRACE);
    LimitBackend memoryLimits = values.orNull(LendingKeys.MEMORY_LIMITS);
    Path cgroupRoot = values.orNull(LendingKeys.CGROUP_ROOT);
    SwapMode swap = values.orNull(SwapKeys.SWAP);
    var swapIdleAfter = values.orNull(SwapKeys.SWAP_IDLE_AFTER);
    var swapMinimumResidency = values.orNull(SwapKeys.SWAP_MINIMUM_RESIDENCY);
    var swapDeepAfter = values.orNull(SwapKeys.SWAP_DEEP_AFTER);
    var swapDeepLockTimeout = values.orNull(SwapKeys.SWAP_DEEP_LOCK_TIMEOUT);
    Path kernelLog = values.orNull(HealthKeys.KERNEL_LOG);
    String healthProfile = values.orNull(HealthKeys.HEALTH_PROFILE);
    Path healthCatalogue = values.orNull(HealthKeys.HEALTH_CATALOGUE);
    var healthHold = values.orNull(HealthKeys.HEALTH_HOLD);
    OutPolicy healthTenants = values.orNull(HealthKeys.HEALTH_TENANTS);
    Double healthDeviceBreaker = values.orNull(HealthKeys.HEALTH_DEVICE_BREAKER);
    Integer expectedDevices = values.orNull(HealthKeys.EXPECTED_DEVICES);
    KubernetesMode healthKubernetes = values.orNull(HealthKeys.HEALTH_KUBERNETES);
    Boolean healthTaint = values.orNull(HealthKeys.HEALTH_TAINT);
    EvictionPolicy healthEvict = values.orNull(HealthKeys.HEALTH_EVICT);
    Set<FaultClass> healthHyperpod = values.orNull(HealthKeys.HEALTH_HYPERPOD);
    Double healthBreakerPercent = values.orNull(HealthKeys.HEALTH_BREAKER);
    Boolean devicePlugin = values.orNull(KubeletKeys.DEVICE_PLUGIN);
    Path kubeletDir = values.orNull(KubeletKeys.KUBELET_DIR);
    String resourceName = values.orNull(KubeletKeys.RESOURCE_NAME);
    String annotationPrefix = values.orNull(KubeletKeys.ANNOTATION_PREFIX);
    PlacementPolicy placement = values.orNull(KubeletKeys.PLACEMENT);
    InjectionWay injection = values.orNull(KubeletKeys.INJECTION);
    String cdiKind = values.orNull(KubeletKeys.CDI_KIND);
    Boolean podAnnotations = values.orNull(KubeletKeys.POD_ANNOTATIONS);
    String adminGroup = values.orNull(ServingKeys.ADMIN_GROUP);
    String httpAddress = values.orNull(ServingKeys.HTTP_ADDRESS);
    Integer httpPort = values.orNull(ServingKeys.HTTP_PORT);
    Integer httpMaxConnections = values.orNull(ServingKeys.HTTP_MAX_CONNECTIONS);
    var httpIdleTimeout = values.orNull(ServingKeys.HTTP_IDLE_TIMEOUT);
    LogLevel logLevel = values.orNull(ServingKeys.LOG_LEVEL);
    LogFormat logFormat = values.orNull(ServingKeys.LOG_FORMAT);
    if (simulate != null && (nvml != null || cuda != null)) {
      faults.add(
          "simulate and "
              + (nvml != null ? "nvml-library" : "cuda-library")
              + " exclude each other: a simulated node brings its own driver libraries; give one of"
              + " them");
    }
    if (!faults.isEmpty()) {
      throw new ConfigException(faults);
    }
    return new AgentConfig(
        stateDir == null ? machine.stateDir() : stateDir,
        nodeName == null ? machine.nodeName() : nodeName,
        simulate,
        nvml,
        cuda,
        libraryDir,
        present(headroomPercent),
        present(headroomMinBytes),
        present(samplePeriod),
        present(agentWait),
        hostPoolBytes,
        hostPoolReserveBytes,
        present(hostPoolPreparedBytes),
        present(lending),
        present(bypassPolicy),
        present(strangerPolicy),
        present(keeperPolicy),
        present(bypassToleranceBytes),
        present(bypassGrace),
        present(memoryLimits),
        present(cgroupRoot),
        present(swap),
        present(swapIdleAfter),
        present(swapMinimumResidency),
        present(swapDeepAfter).orElse(null),
        present(swapDeepLockTimeout),
        kernelLog,
        present(healthProfile),
        healthCatalogue,
        present(healthHold),
        present(healthTenants),
        present(healthDeviceBreaker),
        present(expectedDevices),
        present(healthKubernetes),
        present(healthTaint),
        present(healthEvict),
        present(healthHyperpod),
        present(healthBreakerPercent),
        present(devicePlugin),
        present(kubeletDir),
        present(resourceName),
        present(annotationPrefix),
        present(placement),
        present(injection),
        present(cdiKind),
        present(podAnnotations),
        adminGroup,
        present(httpAddress),
        present(httpPort),
        present(httpMaxConnections),
        present(httpIdleTimeout),
        present(logLevel),
        present(logFormat));
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("a key with a fixed default has no value");
    }
    return value;
  }

  /** Reads keys one by one and gathers what is wrong. */
  private final class Values {
    private final Map<String, String> flags;
    private final Map<String, Given> file;
    private final List<String> faults;

    Values(Map<String, String> flags, Map<String, Given> file, List<String> faults) {
      this.flags = flags;
      this.file = file;
      this.faults = faults;
    }

    <T> @Nullable T orNull(ConfigKey<T> key) {
      T value = null;
      for (Given given : weakestFirst(key).values()) {
        try {
          value = key.parse(given.text());
        } catch (IllegalArgumentException e) {
          faults.add(given.origin() + ": " + key.name() + ": " + e.getMessage());
        }
      }
      return value;
    }

    /** An empty environment variable counts as not set: that is how a manifest leaves one out. */
    private Map<String, Given> weakestFirst(ConfigKey<?> key) {
      Map<String, Given> given = new LinkedHashMap<>();
      if (!key.derived()) {
        given.put("default", new Given(key.defaultText(), "the default"));
      }
      Given fromFile = file.get(key.name());
      if (fromFile != null) {
        given.put("file", fromFile);
      }
      String variable = key.environmentVariable();
      String fromEnvironment = environment.get(variable);
      if (fromEnvironment != null && !fromEnvironment.isEmpty()) {
        given.put(
            "environment", new Given(fromEnvironment, "the environment variable " + variable));
      }
      String flag = flags.get(key.name());
      if (flag != null) {
        given.put("flag", new Given(flag, "the flag " + key.flag()));
      }
      return given;
    }
  }
}
