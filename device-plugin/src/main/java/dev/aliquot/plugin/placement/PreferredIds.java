package dev.aliquot.plugin.placement;

import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.unit.UnitId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/**
 * Which ids the kubelet should take: those of the device that the allocation will be on. Ids that
 * somebody holds, though the kubelet thinks them free, come last.
 */
public final class PreferredIds {
  private final Placement placement;
  private final int size;
  private final Set<String> chosen = new LinkedHashSet<>();
  private final List<Candidate> candidates;

  /** Free ids by the device that they name; what is not known of is under no device's name. */
  private final Map<String, List<String>> free = new HashMap<>();

  /** What is taken only when nothing else is left. */
  private final List<String> last = new ArrayList<>();

  private PreferredIds(
      Placement placement,
      List<NodeDevice> devices,
      ToIntFunction<String> room,
      Collection<String> mustInclude,
      int size) {
    this.placement = placement;
    this.size = size;
    this.candidates = Candidate.of(devices, room);
    chosen.addAll(mustInclude);
  }

  /**
   * Chooses.
   *
   * @param room units of a device that nobody but the holders of {@code mustInclude} has
   * @param held whether somebody has an id, by the ledger
   * @param available what the kubelet thinks is free, {@code mustInclude} among them
   * @param mustInclude what is handed on by an init container
   * @param size how many in all
   * @return as many of the available ids as wished, or all where there are fewer
   */
  public static List<String> choose(
      Placement placement,
      List<NodeDevice> devices,
      ToIntFunction<String> room,
      Predicate<String> held,
      Collection<String> available,
      Collection<String> mustInclude,
      int size) {
    PreferredIds preferred = new PreferredIds(placement, devices, room, mustInclude, size);
    preferred.sort(available, held);
    preferred.fill();
    return preferred.chosen.stream().limit(Math.max(size, mustInclude.size())).toList();
  }

  private void sort(Collection<String> available, Predicate<String> held) {
    Set<String> healthy = new HashSet<>();
    for (Candidate candidate : candidates) {
      if (candidate.device().healthy()) {
        healthy.add(candidate.uuid());
      }
    }
    for (String id : available) {
      String device = UnitId.deviceOf(id).orElse("");
      if (chosen.contains(id)) {
        continue;
      }
      if (held.test(id) || !healthy.contains(device)) {
        last.add(id);
      } else {
        free.computeIfAbsent(device, k -> new ArrayList<>()).add(id);
      }
    }
    // The same answer however the kubelet mixes its question.
    last.sort(null);
    free.values().forEach(ids -> ids.sort(null));
  }

  private void fill() {
    if (size > UnitId.PER_DEVICE) {
      wholeDevices();
    } else {
      oneDevice();
    }
    // Nothing fits whole: what lies on devices that have no room for it is no loss to them.
    List<Candidate> surplus = new ArrayList<>(candidates);
    surplus.sort(
        Comparator.comparingInt((Candidate candidate) -> candidate.room() - freeIds(candidate))
            .thenComparingInt(candidate -> candidate.device().index()));
    surplus.forEach(candidate -> take(candidate, size));
    add(last);
  }

  private void oneDevice() {
    candidates.stream()
        .filter(candidate -> candidate.takes(size))
        .sorted(
            Comparator.comparing((Candidate candidate) -> !namedByAll(candidate))
                .thenComparing(placement.order()))
        .findFirst()
        .ifPresent(candidate -> take(candidate, size));
  }

  /** Whether all ids can be of this device. */
  private boolean namedByAll(Candidate candidate) {
    return freeIds(candidate) >= size - chosen.size()
        && chosen.stream()
            .allMatch(id -> UnitId.deviceOf(id).filter(candidate.uuid()::equals).isPresent());
  }

  private void wholeDevices() {
    int wanted = size / UnitId.PER_DEVICE;
    List<Candidate> order = new ArrayList<>(candidates);
    order.removeIf(
        candidate ->
            !candidate.takes(UnitId.PER_DEVICE)
                || freeIds(candidate) + chosenIds(candidate) < UnitId.PER_DEVICE);
    order.sort(
        Comparator.comparingInt((Candidate candidate) -> -chosenIds(candidate))
            .thenComparingInt(candidate -> candidate.device().index()));
    order.stream()
        .limit(wanted)
        .forEach(candidate -> take(candidate, UnitId.PER_DEVICE - chosenIds(candidate)));
  }

  private void take(Candidate candidate, int atMost) {
    int wanted = Math.min(size - chosen.size(), atMost);
    free.getOrDefault(candidate.uuid(), List.of()).stream()
        .filter(id -> !chosen.contains(id))
        .limit(Math.max(0, wanted))
        .forEach(chosen::add);
  }

  private void add(List<String> ids) {
    for (String id : ids) {
      if (chosen.size() < size) {
        chosen.add(id);
      }
    }
  }

  private int freeIds(Candidate candidate) {
    return (int)
        free.getOrDefault(candidate.uuid(), List.of()).stream()
            .filter(id -> !chosen.contains(id))
            .count();
  }

  private int chosenIds(Candidate candidate) {
    return (int)
        chosen.stream()
            .filter(id -> UnitId.deviceOf(id).filter(candidate.uuid()::equals).isPresent())
            .count();
  }
}
