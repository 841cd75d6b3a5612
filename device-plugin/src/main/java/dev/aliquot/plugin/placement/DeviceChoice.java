package dev.aliquot.plugin.placement;

import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.unit.UnitId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Which devices an allocation is on. The kubelet's ids are only what it counts with: they may be of
 * several devices, because it picked them at random or because nothing else was left. A fraction is
 * on one device all the same.
 */
public final class DeviceChoice {
  private DeviceChoice() {}

  /**
   * Chooses for units that the kubelet has allocated: 1 to 100, or a multiple of 100. Always
   * answers; a device without room is one that has to be waited for.
   *
   * @param room units of a device that nobody else has
   * @param ids what the kubelet allocated
   * @return one UUID, or one for each whole device; fewer only where the node has fewer
   */
  public static List<String> choose(
      Placement placement,
      List<NodeDevice> devices,
      ToIntFunction<String> room,
      Collection<String> ids) {
    Map<String, Integer> named = new HashMap<>();
    ids.forEach(
        id -> UnitId.deviceOf(id).ifPresent(device -> named.merge(device, 1, Integer::sum)));
    List<Candidate> candidates = Candidate.of(devices, room);
    if (candidates.isEmpty()) {
      return named.keySet().stream().sorted().limit(wholes(ids.size())).toList();
    }
    return ids.size() <= UnitId.PER_DEVICE
        ? List.of(one(placement, candidates, named, ids.size()))
        : several(candidates, named, wholes(ids.size()));
  }

  private static String one(
      Placement placement, List<Candidate> candidates, Map<String, Integer> named, int units) {
    List<Candidate> fitting =
        candidates.stream()
            .filter(candidate -> candidate.takes(units))
            .sorted(placement.order())
            .toList();
    for (Candidate candidate : fitting) {
      if (named.size() == 1 && named.containsKey(candidate.uuid())) {
        return candidate.uuid();
      }
    }
    if (!fitting.isEmpty()) {
      return fitting.getFirst().uuid();
    }
    return candidates.stream()
        .min(
            Comparator.comparing(
                    (Candidate candidate) ->
                        !(named.size() == 1 && named.containsKey(candidate.uuid())))
                .thenComparing(Candidate.ROOMIEST))
        .orElseThrow()
        .uuid();
  }

  private static List<String> several(
      List<Candidate> candidates, Map<String, Integer> named, int count) {
    List<Candidate> order = new ArrayList<>(candidates);
    order.sort(
        Comparator.comparing((Candidate candidate) -> !candidate.takes(UnitId.PER_DEVICE))
            .thenComparingInt(candidate -> -named.getOrDefault(candidate.uuid(), 0))
            .thenComparing(Candidate.ROOMIEST));
    return order.stream().limit(count).map(Candidate::uuid).toList();
  }

  private static int wholes(int units) {
    return Math.max(1, units / UnitId.PER_DEVICE);
  }
}
