package dev.aliquot.agent.pool;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The chunks in one process's hands. Guarded by the pool's lock. */
final class Hand {
  private final Map<Long, Owned> chunks = new HashMap<>();
  private final Map<Integer, Long> madeBytes = new HashMap<>();
  private long bytes;

  /** Of an earlier agent: all that is known of them is how much they are. */
  long earlierBytes;

  /** What it had of an earlier agent when this one began. */
  long restoredBytes;

  /** What has been made for data of the earlier agent's to move to. */
  long renewedBytes;

  /**
   * Whether one more may be: each takes the place of one that has been given back, but the first.
   */
  boolean mayRenew(long moreBytes) {
    return earlierBytes > 0
        && renewedBytes + moreBytes <= restoredBytes - earlierBytes + HostPool.MOST_BYTES;
  }

  long bytes() {
    return bytes + earlierBytes;
  }

  void put(long id, Owned owned) {
    chunks.put(id, owned);
    bytes += owned.bytes();
  }

  /** The chunk of that id; null: there is none. */
  @Nullable Owned find(long id) {
    return chunks.get(id);
  }

  /** The chunk of that id, no longer in this hand; null: there is none. */
  @Nullable Owned remove(long id) {
    Owned owned = chunks.remove(id);
    if (owned != null) {
      bytes -= owned.bytes();
    }
    return owned;
  }

  /** What has been made for this hand, or is being made, for a device; never less than before. */
  long madeBytes(int device) {
    return madeBytes.getOrDefault(device, 0L);
  }

  void countMade(int device, long moreBytes) {
    madeBytes.merge(device, moreBytes, Long::sum);
  }

  List<Owned> all() {
    return new ArrayList<>(chunks.values());
  }
}
