package dev.aliquot.agent.share;

/** A process in a tenant's slot; the generation tells it from the slot's other holders. */
public record Maker(int slot, long generation) {}
