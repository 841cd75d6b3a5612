package dev.aliquot.agent.pool;

/**
 * What the pool never passes.
 *
 * @param sizeBytes all chunks together; 0: no pool
 * @param reserveBytes no chunk is made that would leave the machine with less available memory
 * @param preparedBytes made ahead on each NUMA node where it may be needed
 */
public record PoolBounds(long sizeBytes, long reserveBytes, long preparedBytes) {}
