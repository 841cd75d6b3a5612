package dev.aliquot.agent.view;

import java.util.List;

/**
 * How faults are watched for, and the latest of them.
 *
 * @param degraded what keeps them from being seen, a sentence each; empty when all is well
 * @param catalogue version of the table of XIDs
 * @param kernelLogReadable whether the kernel log is being followed
 * @param kernelLogRecords records read of it since the agent started
 * @param kernelLogLost records that were overwritten before they were read
 * @param faults the latest, the latest last
 */
public record HealthView(
    List<String> degraded,
    String catalogue,
    boolean kernelLogReadable,
    long kernelLogRecords,
    long kernelLogLost,
    List<FaultView> faults) {

  /** Copies the lists. */
  public HealthView {
    degraded = List.copyOf(degraded);
    faults = List.copyOf(faults);
  }
}
