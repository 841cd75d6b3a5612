package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.placement.DeviceChoice;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.unit.UnitId;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.ToIntFunction;

/** Where grants go, by what is held already. Guarded by the ledger's lock; changes nothing. */
final class Places {
  private final Placement placement;
  private final Holdings holdings;

  Places(Placement placement, Holdings holdings) {
    this.placement = placement;
    this.holdings = holdings;
  }

  /** The devices for ids that are allocated now. */
  List<String> choose(SortedSet<String> ids, List<NodeDevice> devices) {
    return DeviceChoice.choose(placement, devices, room(ids), ids);
  }

  /** For a grant that is not known any more: what its container was told, if that is known. */
  List<String> recall(SortedSet<String> ids, Holders kubelet, List<NodeDevice> devices) {
    List<String> told = kubelet.devicesToldFor(ids);
    return told.size() == Math.max(1, ids.size() / UnitId.PER_DEVICE)
            && devices.stream().map(NodeDevice::uuid).toList().containsAll(told)
        ? told
        : choose(ids, devices);
  }

  /** Units of a device that nobody has, or whoever has these ids and hands them on. */
  ToIntFunction<String> room(Collection<String> nextIds) {
    Set<String> next = new HashSet<>(nextIds);
    return device -> UnitId.PER_DEVICE - holdings.used(device, Places::counts, next);
  }

  /** Whether all of these can be started on. */
  static boolean areHealthy(List<String> uuids, List<NodeDevice> devices) {
    return uuids.stream()
        .allMatch(
            uuid ->
                devices.stream()
                    .anyMatch(device -> device.uuid().equals(uuid) && device.healthy()));
  }

  /** Whether a holding is in the way: what was handed on is not, nor what is about to end. */
  private static boolean counts(Holding holding) {
    return !holding.passedOn && !holding.over;
  }
}
