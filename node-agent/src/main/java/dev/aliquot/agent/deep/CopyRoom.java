package dev.aliquot.agent.deep;

import dev.aliquot.ledger.ByteText;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Whether a process's memory can take the driver's copy of it: the copy is charged to its
 * container, which the kernel would kill for it. Copies under way count as taken, whoever's they
 * are: what they have taken already cannot be told from the rest. Thread-safe.
 */
final class CopyRoom {
  /** What the driver may take beside its copy. */
  private static final long MARGIN_BYTES = 64L << 20;

  private final IntFunction<OptionalLong> roomOf;
  private long underWayBytes;

  /**
   * @param roomOf what a process can still take, by pid; empty where that cannot be seen
   */
  CopyRoom(IntFunction<OptionalLong> roomOf) {
    this.roomOf = roomOf;
  }

  /** Begins with a copy; null: {@link #end} is due. Else why it must not be made. */
  synchronized @Nullable String begin(int pid, long bytes) {
    OptionalLong room = roomOf.apply(pid);
    String copy = "the driver's copy of " + ByteText.of(bytes);
    if (room.isEmpty()) {
      return copy + " might pass its container's memory limit, which the agent cannot see";
    }
    long leftBytes = room.getAsLong() - underWayBytes;
    if (leftBytes - MARGIN_BYTES < bytes) {
      return copy
          + " would not fit its container's memory limit: "
          + ByteText.of(Math.max(0, leftBytes))
          + " are left";
    }
    underWayBytes += bytes;
    return null;
  }

  synchronized void end(long bytes) {
    underWayBytes -= bytes;
  }
}
