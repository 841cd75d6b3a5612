package dev.aliquot.plugin.pod;

import java.util.List;
import java.util.SortedSet;

/**
 * What the kubelet's checkpoint says of a container; of pods that have ended, too, until the
 * kubelet allocates again.
 *
 * @param ids those of this plugin's resource
 * @param devices the devices that this plugin named in its answer then; empty where it named none
 */
public record CheckpointEntry(
    String podUid, String container, SortedSet<String> ids, List<String> devices) {
  /**
   * Names the devices, with commas between, in the answer that the kubelet keeps. No container sees
   * it: the runtime gets annotations of an allocation, the pod does not.
   */
  public static final String DEVICES_ANNOTATION = "aliquot.dev/devices";
}
