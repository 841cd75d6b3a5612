package dev.aliquot.agent.health;

import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Fault;
import dev.aliquot.health.fault.Source;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The latest faults, at most {@link #MOST}; grave ones stay longer. Thread-safe. */
final class FaultHistory {
  static final int MOST = 1000;

  private final TreeMap<Long, FaultView> faults = new TreeMap<>();

  /** Adds a fault, or what is new of one. */
  synchronized void put(Fault fault) {
    faults.put(fault.id(), view(fault));
    trim();
  }

  /** Adds those of an agent before this one. */
  synchronized void restore(Collection<FaultView> earlier) {
    earlier.forEach(fault -> faults.put(fault.id(), fault));
    trim();
  }

  /** All, the latest last. */
  synchronized List<FaultView> all() {
    return List.copyOf(faults.values());
  }

  /** The latest so many, the latest last; up to half of them are kept for what devices had. */
  synchronized List<FaultView> latest(int most) {
    TreeMap<Long, FaultView> latest = new TreeMap<>();
    faults.descendingMap().values().stream()
        .filter(fault -> !isPrograms(fault))
        .limit(most / 2)
        .forEach(fault -> latest.put(fault.id(), fault));
    faults.descendingMap().values().stream()
        .takeWhile(fault -> latest.size() < most)
        .forEach(fault -> latest.put(fault.id(), fault));
    return List.copyOf(latest.values());
  }

  /** The id after all of them. */
  synchronized long nextId() {
    return faults.isEmpty() ? 1 : faults.lastKey() + 1;
  }

  private static boolean isPrograms(FaultView fault) {
    return fault.faultClass().equals("app") || fault.faultClass().equals("watch");
  }

  /**
   * What a program of a tenant's has done goes before what a device had: there may be much of it.
   */
  private void trim() {
    while (faults.size() > MOST) {
      long victim =
          faults.values().stream()
              .limit(MOST / 2)
              .filter(FaultHistory::isPrograms)
              .map(FaultView::id)
              .findFirst()
              .orElseGet(faults::firstKey);
      faults.remove(victim);
    }
  }

  /** A fault as it was shown; empty where that cannot be read: another version wrote it. */
  static Optional<Fault> fault(FaultView view) {
    try {
      return Optional.of(
          new Fault(
              view.id(),
              view.first(),
              view.last(),
              view.device(),
              Cause.of(view.code()),
              FaultClass.of(view.faultClass()),
              view.text(),
              view.action(),
              Set.copyOf(view.sources().stream().map(Source::of).toList()),
              view.sightings(),
              view.pid(),
              view.process(),
              new Blame(
                  view.tenant(), view.tenantName(), view.namespace(), view.pod(), view.container()),
              view.place(),
              view.message(),
              view.drill()));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  static FaultView view(Fault fault) {
    return new FaultView(
        fault.id(),
        fault.first(),
        fault.last(),
        fault.device(),
        fault.cause().label(),
        fault.faultClass().label(),
        fault.text(),
        fault.action(),
        fault.sources().stream().map(Source::label).sorted().toList(),
        fault.sightings(),
        fault.pid(),
        fault.process(),
        fault.blame().tenant(),
        fault.blame().name(),
        fault.blame().namespace(),
        fault.blame().pod(),
        fault.blame().container(),
        fault.place(),
        fault.message(),
        fault.drill());
  }
}
