package dev.aliquot.agent.pool;

/** A process in a tenant's slot; the generation tells it from the slot's other holders. */
public record Holder(int slot, long generation) {}
