package dev.aliquot.plugin.placement;

import dev.aliquot.plugin.node.NodeDevice;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * A device that may be chosen.
 *
 * @param room units that nobody has; below 0 where more were given than there are
 */
record Candidate(NodeDevice device, int room) {
  /** The most room first, broken ones last. */
  static final Comparator<Candidate> ROOMIEST =
      Comparator.comparing((Candidate candidate) -> !candidate.device().healthy())
          .thenComparing(Comparator.comparingInt(Candidate::room).reversed())
          .thenComparingInt(candidate -> candidate.device().index());

  static List<Candidate> of(List<NodeDevice> devices, ToIntFunction<String> room) {
    return devices.stream()
        .map(device -> new Candidate(device, room.applyAsInt(device.uuid())))
        .toList();
  }

  String uuid() {
    return device.uuid();
  }

  boolean takes(int units) {
    return device.healthy() && room >= units;
  }
}
