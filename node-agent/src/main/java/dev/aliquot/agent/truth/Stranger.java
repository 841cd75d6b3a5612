package dev.aliquot.agent.truth;

/** A process on a device that is no tenant's. */
public record Stranger(int pid, String command, long bytes) {}
