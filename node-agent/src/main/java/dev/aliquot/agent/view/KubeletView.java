package dev.aliquot.agent.view;

import java.util.List;
import java.util.Map;

/**
 * What the kubelet has of this node's devices.
 *
 * @param resource what they are offered as
 * @param registered whether the kubelet knows the plugin now
 * @param way how it has come to know it, or empty
 * @param problems what keeps containers from being given devices, a sentence each; empty: nothing
 * @param grants what has been allocated and not freed
 * @param counts what the plugin has done since it was started, by kind
 * @param waits starts of containers that had to wait, by reason
 * @param allocateBuckets how many allocations took no longer than so many seconds, by these
 * @param allocateCalls all allocations
 * @param allocateSeconds what all of them took
 * @param allocateLongestSeconds the longest of them
 */
public record KubeletView(
    String resource,
    boolean registered,
    String way,
    List<String> problems,
    List<GrantView> grants,
    Map<String, Long> counts,
    Map<String, Long> waits,
    List<Bucket> allocateBuckets,
    long allocateCalls,
    double allocateSeconds,
    double allocateLongestSeconds) {
  /** Copies. */
  public KubeletView {
    problems = List.copyOf(problems);
    grants = List.copyOf(grants);
    counts = Map.copyOf(counts);
    waits = Map.copyOf(waits);
    allocateBuckets = List.copyOf(allocateBuckets);
  }

  /** The same without what goes on counting while nothing happens. */
  KubeletView uncounted() {
    return new KubeletView(
        resource, registered, way, problems, grants, Map.of(), waits, List.of(), 0, 0, 0);
  }

  /** How many allocations took no longer. */
  public record Bucket(double seconds, long calls) {}

  /**
   * A part of a device, or several devices, that a container has.
   *
   * @param key id of its tenant
   * @param devices UUIDs
   * @param units hundredths of each
   * @param holder namespace/pod/container that was started with it, or empty
   */
  public record GrantView(String key, List<String> devices, int units, String holder) {}
}
