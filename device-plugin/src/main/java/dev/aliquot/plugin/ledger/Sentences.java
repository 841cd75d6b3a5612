package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.PodContainer;

/** What {@code kubectl describe pod} shows of a container that waits. */
final class Sentences {
  private Sentences() {}

  static String nobody(String resource, int units) {
    return resource
        + ": the kubelet names no container that has these "
        + units
        + " units; it is asked again. If this stays, delete the pod, or restart the kubelet";
  }

  static String held(PodContainer holder) {
    return "these units are in use by container "
        + holder.container()
        + " of pod "
        + holder.namespace()
        + "/"
        + holder.pod()
        + ", which the kubelet has forgotten: delete this pod, so that it gets others, or wait until"
        + " that one ends";
  }

  static String gone(String device) {
    return "device "
        + device
        + " is not on this node any more: delete this pod, so that it gets"
        + " another";
  }

  static String unhealthy(NodeDevice device) {
    return "device "
        + device.index()
        + " ("
        + device.uuid()
        + ") takes no containers"
        + (device.reason().isEmpty() ? "" : ": " + device.reason());
  }

  static String room(NodeDevice device, int wanted, int free) {
    return "device "
        + device.index()
        + " ("
        + device.uuid()
        + ") has "
        + Math.max(0, free)
        + " of 100 units free and "
        + wanted
        + " are needed: waiting for containers on it to end";
  }
}
