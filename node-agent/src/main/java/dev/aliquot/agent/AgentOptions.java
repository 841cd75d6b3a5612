package dev.aliquot.agent;

import dev.aliquot.agent.pool.PoolOptions;
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
    PoolOptions hostPool) {

  /** The same with the host pool's defaults. */
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
        PoolOptions.DEFAULTS);
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
        hostPool);
  }

  /** The same with another host pool. */
  public AgentOptions withHostPool(PoolOptions pool) {
    return new AgentOptions(
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
        pool);
  }
}
