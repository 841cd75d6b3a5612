package dev.aliquot.agent.view;

import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request for a tenant, as it comes over the administration socket.
 *
 * @param name what the user calls it; empty: the agent makes one up
 * @param namespace Kubernetes namespace, or empty
 * @param pod Kubernetes pod, or empty
 * @param container Kubernetes container, or empty
 * @param devices UUIDs or indexes; empty: the agent picks the device with most room
 * @param memoryBytes request per device in bytes; exactly one of this and fractionPercent
 * @param fractionPercent request per device as a percentage of its capacity, 1..100
 * @param memoryLimitBytes the most it may hold per device; null: the request
 * @param fractionLimitPercent the same as a percentage of the device's capacity; at most one of the
 *     two
 * @param swap whether it may be swapped out; null: as the agent is configured
 * @param priority who goes first where it competes with others for what is not guaranteed
 * @param rootPid the process whose descendants are the tenant's; 0: the peer of the administration
 *     socket
 */
public record TenantSpec(
    String name,
    String namespace,
    String pod,
    String container,
    List<String> devices,
    @Nullable Long memoryBytes,
    @Nullable Integer fractionPercent,
    @Nullable Long memoryLimitBytes,
    @Nullable Integer fractionLimitPercent,
    @Nullable SwapMode swap,
    Priority priority,
    int rootPid) {

  /** Without a limit of its own: nothing is lent to the tenant. */
  public TenantSpec(
      String name,
      String namespace,
      String pod,
      String container,
      List<String> devices,
      @Nullable Long memoryBytes,
      @Nullable Integer fractionPercent,
      int rootPid) {
    this(
        name,
        namespace,
        pod,
        container,
        devices,
        memoryBytes,
        fractionPercent,
        null,
        null,
        null,
        Priority.NORMAL,
        rootPid);
  }

  /** With a limit of its own. */
  public TenantSpec withLimitBytes(long bytes) {
    return new TenantSpec(
        name,
        namespace,
        pod,
        container,
        devices,
        memoryBytes,
        fractionPercent,
        bytes,
        null,
        swap,
        priority,
        rootPid);
  }

  public TenantSpec withSwap(SwapMode mode) {
    return new TenantSpec(
        name,
        namespace,
        pod,
        container,
        devices,
        memoryBytes,
        fractionPercent,
        memoryLimitBytes,
        fractionLimitPercent,
        mode,
        priority,
        rootPid);
  }

  public TenantSpec withPriority(Priority other) {
    return new TenantSpec(
        name,
        namespace,
        pod,
        container,
        devices,
        memoryBytes,
        fractionPercent,
        memoryLimitBytes,
        fractionLimitPercent,
        swap,
        other,
        rootPid);
  }
}
