package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.node.NodeCondition;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Something that a person should see as an Event.
 *
 * @param pod whose it is; empty: the node's
 * @param reason one word for programs
 * @param mild whether it is the first to go where there are too many
 */
record Notice(Optional<PodName> pod, String reason, String message, boolean warning, boolean mild) {
  /** The API's bound is 1024 bytes. */
  private static final int MOST_TEXT = 900;

  private static final int MOST_NAME = 200;

  Notice {
    message = printable(message);
  }

  /** Of the node: something that somebody has to look at. */
  static Notice grave(String reason, String message) {
    return new Notice(Optional.empty(), reason, message, true, false);
  }

  /** That the node's condition has changed. */
  static Notice of(NodeCondition condition) {
    return new Notice(
        Optional.empty(), condition.reason(), condition.message(), !condition.healthy(), false);
  }

  /** The same of a pod. */
  Notice of(PodName name) {
    return new Notice(Optional.of(name), reason, message, warning, mild);
  }

  /** What makes two notices one Event with a count. */
  record Subject(Optional<PodName> pod, String reason) {
    /** The same for all time, so that another agent carries on with its count. */
    String eventName(String node) {
      String object = pod.map(PodName::name).orElse(node);
      String begin = object.length() > MOST_NAME ? object.substring(0, MOST_NAME) : object;
      String id =
          UUID.nameUUIDFromBytes((node + " " + pod + " " + reason).getBytes(StandardCharsets.UTF_8))
              .toString();
      return begin.replaceAll("[^a-z0-9]+$", "") + ".aliquot-" + id;
    }
  }

  Subject subject() {
    return new Subject(pod, reason);
  }

  /** Of a fault: the node's. */
  static Notice ofNode(FaultView fault, String device) {
    return new Notice(Optional.empty(), reason(fault), text(fault, device), true, isMild(fault));
  }

  /** Of a fault: the pod's that is to blame, if one is. */
  static Optional<Notice> ofPod(FaultView fault, String device) {
    PodName pod = new PodName(fault.namespace(), fault.pod());
    return pod.isPossible()
        ? Optional.of(
            new Notice(Optional.of(pod), reason(fault), text(fault, device), true, isMild(fault)))
        : Optional.empty();
  }

  private static boolean isMild(FaultView fault) {
    return fault.faultClass().equals(FaultClass.APP.label())
        || fault.faultClass().equals(FaultClass.WATCH.label());
  }

  /** GpuXid79, GpuRemapPending. */
  private static String reason(FaultView fault) {
    String words = Character.isDigit(fault.code().charAt(0)) ? "xid" + fault.code() : fault.code();
    return "Gpu"
        + Arrays.stream(words.split("-"))
            .filter(word -> !word.isEmpty())
            .map(word -> Character.toUpperCase(word.charAt(0)) + word.substring(1))
            .collect(Collectors.joining())
        + (fault.drill() ? "Drill" : "");
  }

  private static String text(FaultView fault, String device) {
    return (fault.drill() ? "A drill: " : "")
        + device
        + ": "
        + fault.text()
        + " "
        + fault.action()
        + (fault.pid() == 0 ? "" : " Process " + fault.pid() + " (" + fault.process() + ").");
  }

  /** Names of processes are their owners' to choose. */
  private static String printable(String text) {
    String plain = text.replaceAll("[^\\x20-\\x7e]", "?");
    return plain.length() <= MOST_TEXT ? plain : plain.substring(0, MOST_TEXT) + "...";
  }
}
