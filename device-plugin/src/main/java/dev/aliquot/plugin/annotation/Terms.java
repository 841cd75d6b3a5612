package dev.aliquot.plugin.annotation;

import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.Share;
import dev.aliquot.residency.SwapMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a container gets of one device.
 *
 * @param share its request never more than the units that the kubelet accounts for it, its limit
 *     never more than the device has
 * @param swap null: as the agent is configured
 * @param complaints what of its annotations could not be followed, a sentence each; few, and short
 */
public record Terms(
    Share share, @Nullable SwapMode swap, Priority priority, List<String> complaints) {
  /** Copies the list. */
  public Terms {
    complaints = List.copyOf(complaints);
  }

  /** Of a container whose annotations say nothing, or are not known. */
  public static Terms ofUnits(long unitsBytes) {
    return new Terms(Share.fixed(unitsBytes), null, Priority.NORMAL, List.of());
  }
}
