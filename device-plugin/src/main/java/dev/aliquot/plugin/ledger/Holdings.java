package dev.aliquot.plugin.ledger;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The holdings by key, by id and by device, and how many units of a device they take. Units that
 * are shared, because an init container's ids were handed on, count once. Guarded by the ledger's
 * lock.
 */
final class Holdings {
  private final Map<String, Holding> byKey = new LinkedHashMap<>();
  private final Map<String, List<Holding>> byId = new HashMap<>();
  private final Map<String, Set<Holding>> byDevice = new HashMap<>();

  Collection<Holding> all() {
    return byKey.values();
  }

  @Nullable Holding get(String key) {
    return byKey.get(key);
  }

  boolean isHeld(String id) {
    return byId.containsKey(id);
  }

  /** Puts a holding in, in place of one of the same key. */
  void put(Holding holding) {
    Holding old = byKey.remove(holding.grant.key());
    if (old != null) {
      unlink(old);
    }
    byKey.put(holding.grant.key(), holding);
    for (String id : holding.grant.ids()) {
      List<Holding> there = byId.computeIfAbsent(id, k -> new ArrayList<>(1));
      // Once shared, always looked at closely: that costs time only.
      there.forEach(other -> other.sharesIds = true);
      holding.sharesIds |= !there.isEmpty();
      there.add(holding);
    }
    for (String device : holding.grant.devices()) {
      byDevice.computeIfAbsent(device, k -> new LinkedHashSet<>()).add(holding);
    }
  }

  void remove(Holding holding) {
    if (byKey.remove(holding.grant.key(), holding)) {
      unlink(holding);
    }
  }

  /** Those that share any of the ids. */
  Set<Holding> sharing(Iterable<String> ids) {
    Set<Holding> sharing = new LinkedHashSet<>();
    for (String id : ids) {
      sharing.addAll(byId.getOrDefault(id, List.of()));
    }
    return sharing;
  }

  /**
   * Units of a device that the counted holdings take, but for what they have handed on: to later
   * ones on the same device, or to whoever has these ids next.
   */
  int used(String device, Predicate<Holding> counted, Collection<String> nextIds) {
    Set<Holding> there = byDevice.getOrDefault(device, Set.of());
    if (there.isEmpty()) {
      return 0;
    }
    Set<String> next = nextIds instanceof Set<String> set ? set : new HashSet<>(nextIds);
    Set<Holding> touched = sharing(next);
    int units = 0;
    for (Holding holding : there) {
      if (counted.test(holding)) {
        int handedOn =
            touched.contains(holding) || holding.sharesIds
                ? handedOn(holding, device, counted, next)
                : 0;
        units += Math.max(0, holding.grant.unitsPerDevice() - handedOn);
      }
    }
    return units;
  }

  private int handedOn(
      Holding holding, String device, Predicate<Holding> counted, Set<String> next) {
    int count = 0;
    for (String id : holding.grant.ids()) {
      if (next.contains(id)
          || byId.getOrDefault(id, List.of()).stream()
              .anyMatch(
                  other ->
                      other.sequence > holding.sequence
                          && other.grant.devices().contains(device)
                          && counted.test(other))) {
        count++;
      }
    }
    return count;
  }

  private void unlink(Holding holding) {
    for (String id : holding.grant.ids()) {
      List<Holding> there = byId.get(id);
      if (there != null && there.remove(holding) && there.isEmpty()) {
        byId.remove(id);
      }
    }
    for (String device : holding.grant.devices()) {
      Set<Holding> there = byDevice.get(device);
      if (there != null && there.remove(holding) && there.isEmpty()) {
        byDevice.remove(device);
      }
    }
  }
}
