package dev.aliquot.agent.count;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many faults there have been since the agent started, by who and what. At most {@link #MOST}
 * kinds are told apart: what comes then is counted without its tenant. What is no tenant's always
 * counts as itself. Thread-safe.
 */
public final class FaultCounts {
  static final int MOST = 1000;

  private final Map<Kind, Long> counts = new LinkedHashMap<>();

  /**
   * What is told apart.
   *
   * @param device UUID
   * @param code the XID, or words
   * @param faultClass what it asks for
   * @param namespace of the blamed tenant's pod, or empty
   * @param pod or empty
   * @param tenant the blamed tenant's name, or empty
   * @param drill whether it was made for practice
   */
  public record Kind(
      String device,
      String code,
      String faultClass,
      String namespace,
      String pod,
      String tenant,
      boolean drill) {

    private Kind anybody() {
      return tenant.isEmpty()
          ? this
          : new Kind(device, code, faultClass, "", "", "(others)", drill);
    }
  }

  /** One more. */
  public synchronized void add(Kind kind) {
    boolean fits = counts.size() < MOST || counts.containsKey(kind);
    counts.merge(fits ? kind : kind.anybody(), 1L, Long::sum);
  }

  /** As they are now. */
  public synchronized Map<Kind, Long> all() {
    return new LinkedHashMap<>(counts);
  }
}
