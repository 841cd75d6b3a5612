package dev.aliquot.agent;

import dev.aliquot.agent.bypass.BypassOptions;
import dev.aliquot.agent.health.HealthOptions;
import dev.aliquot.agent.kubernetes.KubernetesOptions;
import dev.aliquot.agent.limits.LimitsOptions;
import dev.aliquot.agent.pool.PoolOptions;
import dev.aliquot.agent.tenant.SwapOptions;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an agent is started with; already checked by whoever read it from a configuration.
 *
 * @param stateDir made if missing; one agent at a time
 * @param nodeName the node's name in views and metrics
 * @param version Aliquot's version, for views
 * @param simulate the simulator's settings ({@code devices=2,memory=17179869184,model=H100}); null:
 *     the machine's own driver
 * @param nvmlLibrary file to open; null: the simulator's, or where the system's loader finds
 *     libnvidia-ml.so.1
 * @param cudaLibrary file the tenants' processes open; null: the simulator's, or where the system's
 *     loader finds libcuda.so.1
 * @param libraryDir where the stand-in libraries are unpacked; null: {@code lib} in the state
 *     directory, or a lasting place when that is mounted noexec
 * @param headroomPercent share of a device's memory that is never given out, 0..90
 * @param headroomMinBytes the least headroom
 * @param samplePeriod time between two readings of ground truth
 * @param agentWait how long a tenant's process waits for an absent agent
 * @param hostPool how much host memory lent data may take
 * @param bypass what is done about memory that is not accounted for or not given back
 * @param limits who holds tenants to their memory
 * @param swap who is swapped out, and when
 * @param health how faults are watched for
 * @param kubernetes what a cluster is told of faults, and asked to do
 */
public record AgentOptions(
    Path stateDir,
    String nodeName,
    String version,
    @Nullable String simulate,
    @Nullable Path nvmlLibrary,
    @Nullable Path cudaLibrary,
    @Nullable Path libraryDir,
    double headroomPercent,
    long headroomMinBytes,
    Duration samplePeriod,
    Duration agentWait,
    PoolOptions hostPool,
    BypassOptions bypass,
    LimitsOptions limits,
    SwapOptions swap,
    HealthOptions health,
    KubernetesOptions kubernetes) {

  /**
   * With the defaults of the host pool, of what is done about bypass, of who holds limits, of
   * swapping and of watching for faults; no cluster is told.
   */
  public AgentOptions(
      Path stateDir,
      String nodeName,
      String version,
      @Nullable String simulate,
      @Nullable Path nvmlLibrary,
      @Nullable Path cudaLibrary,
      @Nullable Path libraryDir,
      double headroomPercent,
      long headroomMinBytes,
      Duration samplePeriod,
      Duration agentWait) {
    this(
        stateDir,
        nodeName,
        version,
        simulate,
        nvmlLibrary,
        cudaLibrary,
        libraryDir,
        headroomPercent,
        headroomMinBytes,
        samplePeriod,
        agentWait,
        PoolOptions.DEFAULTS,
        BypassOptions.DEFAULTS,
        LimitsOptions.DEFAULTS,
        SwapOptions.DEFAULTS,
        HealthOptions.DEFAULTS,
        KubernetesOptions.OFF);
  }

  /** The defaults of every value that has one, for the machine's own driver. */
  public static AgentOptions defaults(Path stateDir, String nodeName) {
    return new AgentOptions(
        stateDir,
        nodeName,
        "dev",
        null,
        null,
        null,
        null,
        3.0,
        256L << 20,
        Duration.ofSeconds(1),
        Duration.ofSeconds(30));
  }

  /** The same with a simulated node. */
  public AgentOptions withSimulate(String settings) {
    return with(settings, hostPool, bypass, limits, swap, health, kubernetes);
  }

  /** The same with another host pool. */
  public AgentOptions withHostPool(PoolOptions options) {
    return with(simulate, options, bypass, limits, swap, health, kubernetes);
  }

  public AgentOptions withBypass(BypassOptions options) {
    return with(simulate, hostPool, options, limits, swap, health, kubernetes);
  }

  public AgentOptions withLimits(LimitsOptions options) {
    return with(simulate, hostPool, bypass, options, swap, health, kubernetes);
  }

  public AgentOptions withSwap(SwapOptions options) {
    return with(simulate, hostPool, bypass, limits, options, health, kubernetes);
  }

  public AgentOptions withHealth(HealthOptions options) {
    return with(simulate, hostPool, bypass, limits, swap, options, kubernetes);
  }

  /** The same with another word to a cluster. */
  public AgentOptions withKubernetes(KubernetesOptions options) {
    return with(simulate, hostPool, bypass, limits, swap, health, options);
  }

  private AgentOptions with(
      @Nullable String settings,
      PoolOptions newHostPool,
      BypassOptions newBypass,
      LimitsOptions newLimits,
      SwapOptions newSwap,
      HealthOptions newHealth,
      KubernetesOptions newKubernetes) {
    return new AgentOptions(
        stateDir,
        nodeName,
        version,
        settings,
        nvmlLibrary,
        cudaLibrary,
        libraryDir,
        headroomPercent,
        headroomMinBytes,
        samplePeriod,
        agentWait,
        newHostPool,
        newBypass,
        newLimits,
        newSwap,
        newHealth,
        newKubernetes);
  }
}
