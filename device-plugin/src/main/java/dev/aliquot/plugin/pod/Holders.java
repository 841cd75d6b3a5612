package dev.aliquot.plugin.pod;

import dev.aliquot.plugin.node.PodContainer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * Who has which ids, by all that the kubelet says at one moment. Its list is what counts: it has
 * active pods only, with namespace and name, but neither uids nor ordinary init containers. Its
 * checkpoint has both, and no names; the two are joined by the ids.
 */
public final class Holders {
  /** A pod's name in the cluster. */
  private record PodName(String namespace, String pod) {}

  private final List<ListedContainer> listed;
  private final Map<SortedSet<String>, List<ListedContainer>> byIds = new HashMap<>();
  private final Map<PodName, List<ListedContainer>> byPod = new HashMap<>();
  private final Map<SortedSet<String>, List<CheckpointEntry>> checkpoint = new HashMap<>();
  private final Map<String, PodName> names = new HashMap<>();
  private final Map<String, ListedContainer> byId = new HashMap<>();

  /** Joins what was listed with what the checkpoint has, which may be nothing. */
  public Holders(List<ListedContainer> listed, List<CheckpointEntry> checkpoint) {
    this.listed = List.copyOf(listed);
    for (ListedContainer container : listed) {
      byPod
          .computeIfAbsent(
              new PodName(container.namespace(), container.pod()), k -> new ArrayList<>())
          .add(container);
      if (!container.ids().isEmpty()) {
        byIds.computeIfAbsent(container.ids(), k -> new ArrayList<>()).add(container);
        container.ids().forEach(id -> byId.put(id, container));
      }
    }
    for (CheckpointEntry entry : checkpoint) {
      this.checkpoint.computeIfAbsent(entry.ids(), k -> new ArrayList<>()).add(entry);
      for (ListedContainer container : byIds.getOrDefault(entry.ids(), List.of())) {
        if (container.container().equals(entry.container())) {
          names.put(entry.podUid(), new PodName(container.namespace(), container.pod()));
        }
      }
    }
  }

  /** The containers that are listed with ids. */
  public List<ListedContainer> listedWithIds() {
    return listed.stream().filter(container -> !container.ids().isEmpty()).toList();
  }

  /**
   * The container that has exactly these ids. What could not be learnt of an ordinary init
   * container is empty in the answer; the whole answer is empty where nobody has them, or more than
   * one pod.
   */
  public Optional<PodContainer> holderOf(SortedSet<String> ids) {
    List<ListedContainer> containers = byIds.getOrDefault(ids, List.of());
    if (containers.size() == 1) {
      return Optional.of(named(containers.getFirst()));
    }
    if (!containers.isEmpty()) {
      return Optional.empty();
    }
    List<CheckpointEntry> entries = checkpoint.getOrDefault(ids, List.of());
    Optional<CheckpointEntry> live =
        entries.stream().filter(entry -> names.containsKey(entry.podUid())).findFirst();
    if (live.isPresent()) {
      PodName name = names.get(live.get().podUid());
      return Optional.of(
          new PodContainer(
              name == null ? "" : name.namespace(),
              name == null ? "" : name.pod(),
              live.get().podUid(),
              live.get().container()));
    }
    Set<PodName> pods = podsThatShare(ids);
    if (pods.size() == 1) {
      PodName pod = pods.iterator().next();
      return Optional.of(new PodContainer(pod.namespace(), pod.pod(), "", ""));
    }
    return entries.size() == 1
        ? Optional.of(
            new PodContainer("", "", entries.getFirst().podUid(), entries.getFirst().container()))
        : Optional.empty();
  }

  /** Whether a listed container has exactly these ids. */
  public boolean isListed(SortedSet<String> ids) {
    return byIds.containsKey(ids);
  }

  /** Whether a listed container has any of these ids. */
  public boolean sharesIds(SortedSet<String> ids) {
    return !podsThatShare(ids).isEmpty();
  }

  /** Whether the checkpoint has these ids, be it of a pod that has ended. */
  public boolean isInCheckpoint(SortedSet<String> ids) {
    return checkpoint.containsKey(ids);
  }

  /** Whether the checkpoint has these ids for a pod that is listed. */
  public boolean isInCheckpointOfListedPod(SortedSet<String> ids) {
    return checkpoint.getOrDefault(ids, List.of()).stream()
        .anyMatch(entry -> names.containsKey(entry.podUid()));
  }

  /** The devices that this plugin once named for these ids; empty where that is not known. */
  public List<String> devicesToldFor(SortedSet<String> ids) {
    return checkpoint.getOrDefault(ids, List.of()).stream()
        .map(CheckpointEntry::devices)
        .filter(devices -> !devices.isEmpty())
        .reduce((earlier, later) -> later)
        .orElse(List.of());
  }

  /**
   * Whether the container's pod is listed while the container is listed without any ids, or is an
   * init container, which is never listed: a kubelet that has lost its checkpoint says this of pods
   * that run on with theirs.
   */
  public boolean isListedWithoutIds(PodContainer holder) {
    List<ListedContainer> containers =
        byPod.getOrDefault(new PodName(holder.namespace(), holder.pod()), List.of());
    return !containers.isEmpty()
        && containers.stream()
            .filter(container -> container.container().equals(holder.container()))
            .allMatch(container -> container.ids().isEmpty());
  }

  private Set<PodName> podsThatShare(SortedSet<String> ids) {
    Set<PodName> pods = new HashSet<>();
    for (String id : ids) {
      ListedContainer container = byId.get(id);
      if (container != null) {
        pods.add(new PodName(container.namespace(), container.pod()));
      }
    }
    return pods;
  }

  private PodContainer named(ListedContainer container) {
    List<String> uids =
        checkpoint.getOrDefault(container.ids(), List.of()).stream()
            .filter(entry -> entry.container().equals(container.container()))
            .map(CheckpointEntry::podUid)
            .distinct()
            .toList();
    return new PodContainer(
        container.namespace(),
        container.pod(),
        uids.size() == 1 ? uids.getFirst() : "",
        container.container());
  }
}
