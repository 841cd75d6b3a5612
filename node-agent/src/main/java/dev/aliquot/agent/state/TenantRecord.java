package dev.aliquot.agent.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.Share;
import dev.aliquot.residency.SwapMode;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a later agent needs to know of a tenant that is not in its pages.
 *
 * @param uid the user whose processes are the tenant's
 * @param rootPid the process whose descendants are the tenant's; 0: none, the cgroup alone says
 * @param rootStartTime of that process
 * @param cgroup the tenant's own, where it has one
 * @param binding which container of which pod is the tenant's, where it is made for one: then
 *     neither a process nor a cgroup says; null: it is not
 * @param outlivesProcesses ended by whoever made it, not by its last process
 * @param swapMode whether it may be swapped out; null in a record of an agent that did not swap
 * @param priority null in a record of an agent that knew none: normal
 * @param refusals counted for processes that are gone
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record TenantRecord(
    String id,
    String name,
    String namespace,
    String pod,
    String container,
    Instant created,
    int uid,
    int gid,
    int rootPid,
    long rootStartTime,
    @Nullable String cgroup,
    @Nullable PodBinding binding,
    boolean outlivesProcesses,
    @Nullable SwapMode swapMode,
    @Nullable Priority priority,
    long refusals,
    List<Grant> grants) {

  /** What the tenant has of one device. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Grant(String device, long requestBytes, long limitBytes) {
    /** Nothing is null. */
    public Grant {
      Objects.requireNonNull(device, "device");
    }

    /** As the ledger has it; a limit that is no limit is the request. */
    public Share share() {
      return new Share(requestBytes, Math.max(requestBytes, limitBytes));
    }
  }

  /** Copies the list; only cgroup, binding, swap mode and priority may be null. */
  public TenantRecord {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(pod, "pod");
    Objects.requireNonNull(container, "container");
    Objects.requireNonNull(created, "created");
    grants = List.copyOf(grants);
  }

  /** Whether it may be swapped out. */
  public SwapMode swap() {
    return swapMode == null ? SwapMode.ALLOWED : swapMode;
  }

  /** Never null. */
  @Override
  public Priority priority() {
    return priority == null ? Priority.NORMAL : priority;
  }

  /** The same with another count of refusals. */
  public TenantRecord withRefusals(long count) {
    return with(count, grants, binding);
  }

  /** The same, made for a container of a pod. */
  public TenantRecord withBinding(PodBinding newBinding) {
    return with(refusals, grants, newBinding);
  }

  /** The same with other shares of its devices. */
  public TenantRecord withGrants(List<Grant> newGrants) {
    return with(refusals, newGrants, binding);
  }

  private TenantRecord with(
      long newRefusals, List<Grant> newGrants, @Nullable PodBinding newBinding) {
    return new TenantRecord(
        id,
        name,
        namespace,
        pod,
        container,
        created,
        uid,
        gid,
        rootPid,
        rootStartTime,
        cgroup,
        newBinding,
        outlivesProcesses,
        swapMode,
        priority,
        newRefusals,
        newGrants);
  }
}
