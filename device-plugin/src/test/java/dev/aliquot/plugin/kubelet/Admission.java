package dev.aliquot.plugin.kubelet;

/**
 * What became of a pod that was created.
 *
 * @param reason as in the pod's status; empty where it was admitted
 */
public record Admission(Phase phase, String reason, String message) {
  /** Pending pods are the scheduler's; failed ones stay so. */
  public enum Phase {
    ADMITTED,
    PENDING,
    FAILED
  }

  static Admission admitted() {
    return new Admission(Phase.ADMITTED, "", "");
  }

  static Admission pending(String message) {
    return new Admission(Phase.PENDING, "Unschedulable", message);
  }

  static Admission failed(String reason, String message) {
    return new Admission(Phase.FAILED, reason, message);
  }

  public boolean isAdmitted() {
    return phase == Phase.ADMITTED;
  }
}
