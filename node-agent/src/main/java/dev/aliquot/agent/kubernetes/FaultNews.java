package dev.aliquot.agent.kubernetes;

import dev.aliquot.agent.view.FaultView;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/** Finds what is new among the faults that are remembered. Not thread-safe. */
final class FaultNews {
  private Map<Long, Long> sightings = new HashMap<>();

  /**
   * @param known of an agent before this one, which has told them
   */
  FaultNews(List<FaultView> known) {
    known.forEach(fault -> sightings.put(fault.id(), fault.sightings()));
  }

  /** Tells of each that is new, or was seen again, how often it was seen since. */
  void take(List<FaultView> faults, BiConsumer<FaultView, Long> tell) {
    Map<Long, Long> now = new HashMap<>();
    for (FaultView fault : faults) {
      long more = fault.sightings() - sightings.getOrDefault(fault.id(), 0L);
      now.put(fault.id(), fault.sightings());
      if (more > 0) {
        tell.accept(fault, more);
      }
    }
    sightings = now;
  }
}
