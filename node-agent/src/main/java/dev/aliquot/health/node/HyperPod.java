package dev.aliquot.health.node;

import dev.aliquot.health.catalogue.FaultClass;

/** The label by which SageMaker HyperPod is asked to repair a node, and says that it does. */
public final class HyperPod {
  public static final String LABEL = "sagemaker.amazonaws.com/node-health-status";
  private static final String SCHEDULABLE = "Schedulable";
  private static final String REPLACE = "UnschedulablePendingReplacement";
  private static final String REBOOT = "UnschedulablePendingReboot";

  private HyperPod() {}

  static String request(FaultClass repair) {
    return repair == FaultClass.REPLACE ? REPLACE : REBOOT;
  }

  /**
   * Whether a value means that somebody, we or HyperPod itself, has taken the node out: what it
   * says then is never changed by us.
   */
  public static boolean isTaken(String value) {
    return !value.isEmpty() && !value.equals(SCHEDULABLE);
  }
}
