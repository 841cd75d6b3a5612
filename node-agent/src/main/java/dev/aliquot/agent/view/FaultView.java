package dev.aliquot.agent.view;

import java.time.Instant;
import java.util.List;

/**
 * One fault of a device, or of a program on it.
 *
 * @param id counted over restarts of the agent, too
 * @param first when it was first seen
 * @param last when it was last seen
 * @param device UUID; empty where it is the node's
 * @param code the XID, or words such as lost
 * @param faultClass app, watch, state, reset, node or replace
 * @param text what happened
 * @param action what a person is to do
 * @param sources who saw it: kernel-log, nvml-event, device-state
 * @param sightings by all of them, with what only came because of it
 * @param pid in the agent's pid namespace, 0 where nobody knows
 * @param process its name, or empty
 * @param tenant the id of the tenant that is to blame, or empty
 * @param tenantName its name
 * @param namespace of the tenant's pod, or empty
 * @param pod or empty
 * @param container or empty
 * @param place where on the device, or empty
 * @param message in the driver's words, or empty
 * @param drill whether it was made for practice
 */
public record FaultView(
    long id,
    Instant first,
    Instant last,
    String device,
    String code,
    String faultClass,
    String text,
    String action,
    List<String> sources,
    long sightings,
    int pid,
    String process,
    String tenant,
    String tenantName,
    String namespace,
    String pod,
    String container,
    String place,
    String message,
    boolean drill) {

  /** Copies the list. */
  public FaultView {
    sources = List.copyOf(sources);
  }
}
