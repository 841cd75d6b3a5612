package dev.aliquot.agent.pool;

import org.jspecify.annotations.Nullable;

/**
 * How much memory the pool may take, as configured.
 *
 * @param sizeBytes null: a share of what is available when the agent starts
 * @param reserveBytes null: by the machine's memory
 * @param preparedBytes made ahead on each NUMA node that is next to a device on which a tenant may
 *     borrow
 * @param lending when memory is lent
 */
public record PoolOptions(
    @Nullable Long sizeBytes, @Nullable Long reserveBytes, long preparedBytes, Lending lending) {

  /** Lending what is backed. */
  public PoolOptions(@Nullable Long sizeBytes, @Nullable Long reserveBytes, long preparedBytes) {
    this(sizeBytes, reserveBytes, preparedBytes, Lending.BACKED);
  }

  /** Nothing given. */
  public static final PoolOptions DEFAULTS = new PoolOptions(null, null, 256L << 20);

  private static final int SIZE_PERCENT = 25;
  private static final int RESERVE_PERCENT = 5;
  private static final long LEAST_RESERVE_BYTES = 1L << 30;

  /** The bounds on a machine with this much memory. */
  public PoolBounds on(HostMemory memory) {
    long size = sizeBytes != null ? sizeBytes : memory.availableBytes() / 100 * SIZE_PERCENT;
    long reserve =
        reserveBytes != null
            ? reserveBytes
            : Math.max(LEAST_RESERVE_BYTES, memory.totalBytes() / 100 * RESERVE_PERCENT);
    return new PoolBounds(size, reserve, preparedBytes);
  }
}
