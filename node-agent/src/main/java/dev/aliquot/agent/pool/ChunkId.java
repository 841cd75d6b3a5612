package dev.aliquot.agent.pool;

/**
 * The name of a chunk in a process's hands: a number that no other chunk has, and the chunk's size,
 * so that an agent which finds a chunk of an earlier agent's returned knows how much that was.
 */
final class ChunkId {
  private static final int SIZE_BITS = 16;
  private static final int UNIT_SHIFT = 12;
  private static final long NUMBERS = 1L << (Long.SIZE - SIZE_BITS);

  private ChunkId() {}

  /**
   * @param bytes below 256 MiB
   */
  static long of(long number, long bytes) {
    return (number % NUMBERS) << SIZE_BITS | bytes >> UNIT_SHIFT;
  }

  /** The size in an id, whoever made it. */
  static long bytes(long id) {
    return (id & ((1L << SIZE_BITS) - 1)) << UNIT_SHIFT;
  }
}
