package dev.aliquot.plugin.kubelet;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The active pods of the node. They outlive the kubelet. Thread-safe. */
final class StandInPods {
  private final Map<String, PodSpec> pods = new LinkedHashMap<>();
  private final Set<List<String>> running = new HashSet<>();

  synchronized void add(PodSpec spec) {
    if (pods.putIfAbsent(spec.name(), spec) != null) {
      throw new IllegalArgumentException("there is a pod " + spec.name());
    }
  }

  synchronized void remove(String name) {
    pods.remove(name);
    running.removeIf(container -> container.getFirst().equals(name));
  }

  synchronized PodSpec get(String name) {
    PodSpec spec = pods.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("there is no pod " + name);
    }
    return spec;
  }

  synchronized List<PodSpec> all() {
    return List.copyOf(pods.values());
  }

  synchronized Set<String> uids() {
    return pods.values().stream().map(PodSpec::uid).collect(Collectors.toSet());
  }

  synchronized void running(String pod, String container, boolean runs) {
    List<String> key = List.of(pod, container);
    if (runs) {
      running.add(key);
    } else {
      running.remove(key);
    }
  }

  synchronized boolean hasDeadContainerWithUnits(PodSpec spec) {
    return spec.containers().stream()
        .anyMatch(
            container ->
                container.units() > 0
                    && container.kind() != PodSpec.Kind.INIT
                    && !running.contains(List.of(spec.name(), container.name())));
  }

  /** What the scheduler counts for all pods. */
  synchronized int demand() {
    return pods.values().stream().mapToInt(StandInPods::demand).sum();
  }

  /** What the scheduler counts for a pod: what runs together at most. */
  static int demand(PodSpec spec) {
    int together = 0;
    int sidecars = 0;
    int most = 0;
    for (PodSpec.Container container : spec.containers()) {
      switch (container.kind()) {
        case INIT -> most = Math.max(most, sidecars + container.units());
        case SIDECAR -> {
          sidecars += container.units();
          together += container.units();
        }
        case APP -> together += container.units();
      }
    }
    return Math.max(most, together);
  }

  static PodSpec.Container container(PodSpec spec, String name) {
    return spec.containers().stream()
        .filter(container -> container.name().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
