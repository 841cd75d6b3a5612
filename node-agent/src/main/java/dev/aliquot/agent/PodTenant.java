package dev.aliquot.agent;

import dev.aliquot.agent.state.TenantRecord;
import dev.aliquot.ledger.Priority;
import dev.aliquot.residency.SwapMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tenant for a container of a pod, which may not have been started yet.
 *
 * @param id 16 hexadecimal digits; the tenant's folder is named so
 * @param namespace empty, as the others of the container's names: not known
 * @param podUid as the kubelet knows it; empty: not known
 * @param units hundredths of each device that the kubelet has allocated to it
 * @param grants at least one
 * @param swap null: as the agent is configured
 * @param provisional whether its shares are what the kubelet's units say, for want of better: a
 *     tenant that it has already keeps its own
 */
public record PodTenant(
    String id,
    String namespace,
    String pod,
    String podUid,
    String container,
    int units,
    List<TenantRecord.Grant> grants,
    @Nullable SwapMode swap,
    Priority priority,
    boolean provisional) {
  /** Checks the id and copies the list. */
  public PodTenant {
    if (!id.matches("[0-9a-f]{16}")) {
      throw new IllegalArgumentException("no id of a pod's tenant: " + id);
    }
    grants = List.copyOf(grants);
  }

  /** How people know it. */
  String path() {
    return pod.isEmpty() ? id : namespace + "/" + pod + "/" + container;
  }

  /**
   * Whether a tenant is swapped and ranked as this one is to be; that is settled when it is made.
   */
  boolean isLike(TenantRecord record, SwapMode usual) {
    return record.swap() == (swap == null ? usual : swap)
        && record.priority() == priority
        && record.pod().isEmpty() == pod.isEmpty()
        && record.container().isEmpty() == container.isEmpty();
  }

  /** Whether a tenant is for this very container, as far as that is known. */
  boolean isOf(TenantRecord record) {
    return record.binding() != null
        && record.binding().canBeOf(podUid)
        && same(record.namespace(), namespace)
        && same(record.pod(), pod)
        && same(record.container(), container);
  }

  /** What is not known is no difference. */
  private static boolean same(String one, String other) {
    return one.isEmpty() || other.isEmpty() || one.equals(other);
  }
}
