package dev.aliquot.agent.view;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How faults are watched for, and the latest of them.
 *
 * @param degraded what keeps them from being seen or acted on, a sentence each; empty when all is
 *     well
 * @param catalogue version of the table of XIDs
 * @param kernelLogReadable whether the kernel log is being followed
 * @param kernelLogRecords records read of it since the agent started
 * @param kernelLogLost records that were overwritten before they were read
 * @param heldBack how many devices take tenants only because health-device-breaker holds a fault
 *     back
 * @param faults the latest, the latest last
 * @param kubernetes what a cluster knows of them; null: none is told
 */
public record HealthView(
    List<String> degraded,
    String catalogue,
    boolean kernelLogReadable,
    long kernelLogRecords,
    long kernelLogLost,
    int heldBack,
    List<FaultView> faults,
    @Nullable KubernetesView kubernetes) {

  /** Copies the lists. */
  public HealthView {
    degraded = List.copyOf(degraded);
    faults = List.copyOf(faults);
  }

  /** The same with what a cluster knows. */
  public HealthView with(@Nullable KubernetesView cluster) {
    return new HealthView(
        degraded,
        catalogue,
        kernelLogReadable,
        kernelLogRecords,
        kernelLogLost,
        heldBack,
        faults,
        cluster);
  }
}
