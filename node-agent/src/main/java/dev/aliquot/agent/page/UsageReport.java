package dev.aliquot.agent.page;

import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;

/** One slot of a usage page at one moment: claims of the tenant, any of them possibly nonsense. */
public final class UsageReport {
  private static final long MOST_REFUSALS = 1L << 48;

  private final ByteBuffer slot;

  UsageReport(ByteBuffer slot) {
    this.slot = slot;
  }

  /** Whether the process has attached under this generation; else the report is void. */
  public boolean isOf(long generation) {
    return slot.getLong((int) PageLayout.USAGE_GENERATION) == generation
        && slot.getInt((int) PageLayout.USAGE_STATE) == PageLayout.STATE_ATTACHED;
  }

  public long usedBytes(int device) {
    return slot.getLong((int) PageLayout.USAGE_USED + device * Long.BYTES);
  }

  /** Data in host chunks, not in {@link #usedBytes}. */
  public long demotedBytes(int device) {
    return slot.getLong((int) PageLayout.USAGE_DEMOTED + device * Long.BYTES);
  }

  /** The part of used that could be demoted. */
  public long movableBytes(int device) {
    return slot.getLong((int) PageLayout.USAGE_MOVABLE + device * Long.BYTES);
  }

  /**
   * What of a device's memory cannot move, by reason; none of the figures is 0, or more than {@code
   * mostBytes}.
   */
  public Map<PinReason, Long> pinned(int device, long mostBytes) {
    Map<PinReason, Long> pinned = new EnumMap<>(PinReason.class);
    for (int i = 0; i < PageLayout.PIN_WORDS; i++) {
      long word = slot.getLong((int) PageLayout.USAGE_PINS + i * Long.BYTES);
      long bytes = word & PageLayout.PIN_BYTES_MASK;
      if (bytes != 0 && (word >>> PageLayout.PIN_DEVICE_SHIFT & 0xff) == device) {
        PinReason.of((int) (word >>> PageLayout.PIN_REASON_SHIFT))
            .ifPresent(
                reason ->
                    pinned.merge(reason, bytes, (one, other) -> Math.min(one + other, mostBytes)));
      }
    }
    pinned.replaceAll((_, bytes) -> Math.min(bytes, mostBytes));
    return pinned;
  }

  public long changes() {
    return slot.getLong((int) PageLayout.USAGE_CHANGES);
  }

  /** Driver calls whose outcome is not in {@code used} yet. */
  public long inFlight() {
    return slot.getLong((int) PageLayout.USAGE_IN_FLIGHT);
  }

  /** Grows with calls that need a device; as of when the slot was woken last. */
  public long submissions() {
    return slot.getLong((int) PageLayout.USAGE_SUBMISSIONS);
  }

  /** Whether the process says that it is away, with its gate closed. */
  public boolean parked() {
    int parked = slot.getInt((int) PageLayout.USAGE_PARKED);
    return parked == PageLayout.PARKED || parked == PageLayout.PARKED_BARE;
  }

  /** Whether it says that it has let go of all it had imported, too, and calls no driver. */
  public boolean bare() {
    return slot.getInt((int) PageLayout.USAGE_PARKED) == PageLayout.PARKED_BARE;
  }

  public long refusals() {
    return slot.getLong((int) PageLayout.USAGE_REFUSALS);
  }

  /** The refusals where the number is one that a process can have reached, else 0. */
  public long plausibleRefusals() {
    long refusals = refusals();
    return refusals < 0 || refusals > MOST_REFUSALS ? 0 : refusals;
  }
}
