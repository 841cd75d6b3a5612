package dev.aliquot.agent.pool;

/** A chunk that a tenant has or has had: that tenant's until it has ended. */
record Owned(ChunkMaker.Chunk chunk, int device, long bytes) {}
