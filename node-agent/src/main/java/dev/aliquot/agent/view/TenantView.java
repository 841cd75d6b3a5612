package dev.aliquot.agent.view;

import java.time.Instant;
import java.util.List;

/**
 * One tenant on one device; a tenant with several devices has one view for each.
 *
 * @param id the agent's own, unique and never reused
 * @param name what the user calls it
 * @param namespace Kubernetes namespace, or empty
 * @param pod Kubernetes pod, or empty
 * @param container Kubernetes container, or empty
 * @param device UUID
 * @param deviceIndex index of the device on this node; -1 where it is lost
 * @param requestBytes guaranteed
 * @param limitBytes the most it may hold
 * @param creditBytes what it may hold right now without asking
 * @param loanBytes what it uses beyond its request: lent, and taken back when its owner needs it
 * @param demotedBytes its data in host memory, still at its own addresses; of a process that is
 *     deep all of its data
 * @param reportedBytes what its processes say they hold
 * @param groundTruthBytes NVML's figure for its processes
 * @param overheadBytes ground truth beyond what was reported: contexts, modules
 * @param usedBytes reported plus overhead
 * @param refusals allocations refused because of the limit, since the tenant began
 * @param state one of starting, running, leaving and returning (its data is being moved), swapped
 *     (its data is in host memory until it needs the device), diving and surfacing (its contexts
 *     are leaving, too, or coming back), deep (they have left), lost (the driver does not let a
 *     process of it go on), ending; device lost where the device was not there when the agent
 *     started
 * @param swap how it fares with being swapped out
 * @param priority low, normal or high
 * @param created when the tenant was made
 * @param processes those that use CUDA on this device
 * @param bypasses processes whose memory on this device is not accounted for or not given back
 */
public record TenantView(
    String id,
    String name,
    String namespace,
    String pod,
    String container,
    String device,
    int deviceIndex,
    long requestBytes,
    long limitBytes,
    long creditBytes,
    long loanBytes,
    long demotedBytes,
    long reportedBytes,
    long groundTruthBytes,
    long overheadBytes,
    long usedBytes,
    long refusals,
    String state,
    SwapView swap,
    String priority,
    Instant created,
    List<ProcessView> processes,
    List<BypassView> bypasses) {

  /** The same with other bypasses. */
  public TenantView withBypasses(List<BypassView> others) {
    return new TenantView(
        id,
        name,
        namespace,
        pod,
        container,
        device,
        deviceIndex,
        requestBytes,
        limitBytes,
        creditBytes,
        loanBytes,
        demotedBytes,
        reportedBytes,
        groundTruthBytes,
        overheadBytes,
        usedBytes,
        refusals,
        state,
        swap,
        priority,
        created,
        processes,
        others);
  }
}
