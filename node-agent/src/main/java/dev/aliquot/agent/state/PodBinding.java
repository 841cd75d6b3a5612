package dev.aliquot.agent.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.Objects;

/**
 * Which container of which pod is a tenant's.
 *
 * @param podUid as in the names of control groups, with {@code -}; empty: not known yet
 * @param containerId the runtime's; empty: not known yet
 * @param units hundredths of each of its devices that the kubelet has allocated to it
 * @param open whether another container of the pod may take the place: it is about to be started
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record PodBinding(String podUid, String containerId, int units, boolean open) {
  /** Nothing is null. */
  public PodBinding {
    Objects.requireNonNull(podUid, "podUid");
    Objects.requireNonNull(containerId, "containerId");
  }

  /** Of a container that is about to be started for the first time. */
  public static PodBinding waiting(String podUid, int units) {
    return new PodBinding(podUid, "", units, true);
  }

  /**
   * The same, about to be started again under another id.
   *
   * @param uid the pod's; empty: not known to whoever starts it
   */
  public PodBinding reopened(String uid) {
    return new PodBinding(podUid.isEmpty() ? uid : podUid, containerId, units, true);
  }

  /** The same, known to be this container and no other. */
  public PodBinding to(String uid, String container) {
    return new PodBinding(uid, container, units, false);
  }

  /** Whether a pod's uid can be its pod's. */
  public boolean canBeOf(String uid) {
    return podUid.isEmpty() || uid.isEmpty() || podUid.equals(uid);
  }
}
