package dev.aliquot.plugin.ledger;

import dev.aliquot.plugin.node.Grant;
import dev.aliquot.plugin.node.NodeDevice;
import dev.aliquot.plugin.node.PodContainer;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.unit.UnitId;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whether a container may start. Guarded by the ledger's lock; changes nothing. */
final class Starts {
  private final Holdings holdings;

  Starts(Holdings holdings) {
    this.holdings = holdings;
  }

  /**
   * Bound holdings that share ids with one that is about to start, and so have ended: those of the
   * same pod, because containers that share ids never run together; those of pods that are gone.
   *
   * @throws NotYet when another pod lives that has any of the ids
   */
  Set<Holding> othersThatLetGo(Holding holding, PodContainer container, Holders kubelet)
      throws NotYet {
    Set<Holding> letGo = new LinkedHashSet<>();
    for (Holding other : holdings.sharing(holding.grant.ids())) {
      PodContainer holder = other.holder;
      if (holder == null) {
        continue;
      }
      if (!isSamePod(holder, container) && isAlive(other, holder, kubelet)) {
        throw new NotYet(Wait.HELD, Sentences.held(holder));
      }
      if (other != holding) {
        letGo.add(other);
      }
    }
    return letGo;
  }

  static void checkHealth(Grant grant, List<NodeDevice> devices) throws NotYet {
    for (String uuid : grant.devices()) {
      NodeDevice device = find(devices, uuid);
      if (!device.healthy()) {
        throw new NotYet(Wait.UNHEALTHY, Sentences.unhealthy(device));
      }
    }
  }

  /** Counts what has been started, and what was allocated before: first come, first served. */
  void checkRoom(Holding holding, Set<Holding> letGo, List<NodeDevice> devices) throws NotYet {
    Grant grant = holding.grant;
    for (String uuid : grant.devices()) {
      int used =
          holdings.used(
              uuid,
              other ->
                  other != holding
                      && !other.passedOn
                      && !letGo.contains(other)
                      && (other.isBound() || other.sequence < holding.sequence),
              grant.ids());
      int free = UnitId.PER_DEVICE - used;
      if (free < grant.unitsPerDevice()) {
        throw new NotYet(
            Wait.ROOM, Sentences.room(find(devices, uuid), grant.unitsPerDevice(), free));
      }
    }
  }

  /** Two names are one pod's if the uids are, or, where one is not known, the names are. */
  static boolean isSamePod(@Nullable PodContainer one, PodContainer other) {
    if (one == null) {
      return false;
    }
    if (!one.podUid().isEmpty() && !other.podUid().isEmpty()) {
      return one.podUid().equals(other.podUid());
    }
    return one.namespace().equals(other.namespace()) && one.pod().equals(other.pod());
  }

  /**
   * Whether the kubelet still knows the holder: with these ids, or without any, as after it has
   * lost its checkpoint.
   */
  static boolean isAlive(Holding holding, PodContainer holder, Holders kubelet) {
    Optional<PodContainer> now = kubelet.holderOf(holding.grant.ids());
    if (now.isPresent() && isSamePod(holder, now.get())) {
      return true;
    }
    return kubelet.isListedWithoutIds(holder);
  }

  private static NodeDevice find(List<NodeDevice> devices, String uuid) throws NotYet {
    for (NodeDevice device : devices) {
      if (device.uuid().equals(uuid)) {
        return device;
      }
    }
    throw new NotYet(Wait.UNHEALTHY, Sentences.gone(uuid));
  }
}
