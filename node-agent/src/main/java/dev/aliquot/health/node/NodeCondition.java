package dev.aliquot.health.node;

/**
 * The node's condition.
 *
 * @param healthy its status: True or False
 * @param reason one word for programs
 * @param message a sentence for a person
 */
public record NodeCondition(boolean healthy, String reason, String message) {
  public static final String TYPE = "AliquotGpuHealthy";

  /** As Kubernetes writes it. */
  public String status() {
    return healthy ? "True" : "False";
  }
}
