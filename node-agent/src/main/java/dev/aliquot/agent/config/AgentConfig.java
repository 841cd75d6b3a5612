package dev.aliquot.agent.config;

import dev.aliquot.agent.pool.Lending;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.residency.SwapMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The agent's configuration, checked. {@link ConfigKeys} says what each value means and what it may
 * be.
 *
 * @param simulate null: the machine's own driver
 * @param nvmlLibrary null: where the system's loader finds it
 * @param cudaLibrary null: where the system's loader finds it
 * @param libraryDir null: the agent chooses
 * @param hostPoolBytes null: by the memory available at start
 * @param hostPoolReserveBytes null: by the machine's memory
 * @param swapDeepAfter null: never
 * @param kernelLog null: the agent chooses
 * @param healthCatalogue null: none
 * @param adminGroup a name or a number; null: none
 */
public record AgentConfig(
    Path stateDir,
    String nodeName,
    @Nullable SimulatedNode simulate,
    @Nullable Path nvmlLibrary,
    @Nullable Path cudaLibrary,
    @Nullable Path libraryDir,
    double headroomPercent,
    long headroomMinBytes,
    Duration samplePeriod,
    Duration agentWait,
    @Nullable Long hostPoolBytes,
    @Nullable Long hostPoolReserveBytes,
    long hostPoolPreparedBytes,
    Lending lending,
    BypassPolicy bypassPolicy,
    BypassPolicy strangerPolicy,
    KeeperPolicy keeperPolicy,
    long bypassToleranceBytes,
    Duration bypassGrace,
    LimitBackend memoryLimits,
    Path cgroupRoot,
    SwapMode swap,
    Duration swapIdleAfter,
    Duration swapMinimumResidency,
    @Nullable Duration swapDeepAfter,
    Duration swapDeepLockTimeout,
    @Nullable Path kernelLog,
    String healthProfile,
    @Nullable Path healthCatalogue,
    Duration healthHold,
    OutPolicy healthTenants,
    double healthDeviceBreakerPercent,
    int expectedDevices,
    KubernetesMode healthKubernetes,
    boolean healthTaint,
    EvictionPolicy healthEvict,
    Set<FaultClass> healthHyperpod,
    double healthBreakerPercent,
    boolean devicePlugin,
    Path kubeletDir,
    String resourceName,
    String annotationPrefix,
    PlacementPolicy placement,
    InjectionWay injection,
    String cdiKind,
    boolean podAnnotations,
    @Nullable String adminGroup,
    String httpAddress,
    int httpPort,
    int httpMaxConnections,
    Duration httpIdleTimeout,
    LogLevel logLevel,
    LogFormat logFormat) {

  /** Copies the set. */
  public AgentConfig {
    healthHyperpod = Set.copyOf(healthHyperpod);
  }
}
