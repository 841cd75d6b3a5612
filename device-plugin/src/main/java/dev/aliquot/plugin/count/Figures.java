package dev.aliquot.plugin.count;

import dev.aliquot.plugin.ledger.Wait;
import java.util.Map;

/**
 * What the plugin has done since it was started.
 *
 * @param counts each kind
 * @param waits starts that had to wait, by reason; one container may be counted many times
 */
public record Figures(Map<Count, Long> counts, Map<Wait, Long> waits, AllocateTimes allocateTimes) {
  /** How many of a kind. */
  public long of(Count count) {
    return counts.getOrDefault(count, 0L);
  }

  /** How many waited for a reason. */
  public long of(Wait why) {
    return waits.getOrDefault(why, 0L);
  }
}
