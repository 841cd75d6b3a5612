package dev.aliquot.plugin.placement;

import java.util.Comparator;

/** Which of several devices with room a fraction goes to. */
public enum Placement {
  /** The one with the least room that is enough, so that whole devices stay free. */
  PACK,
  /** The one with the most room, so that tenants have fewer neighbours. */
  SPREAD;

  /** The best comes first; of equals the one with the lowest index. */
  Comparator<Candidate> order() {
    Comparator<Candidate> leastRoom = Comparator.comparingInt(Candidate::room);
    return (this == PACK ? leastRoom : leastRoom.reversed())
        .thenComparingInt(candidate -> candidate.device().index());
  }
}
