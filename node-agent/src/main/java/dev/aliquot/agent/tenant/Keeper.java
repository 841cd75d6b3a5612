package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessId;

/**
 * A process that keeps memory which was lent to its tenant and is guaranteed to another.
 *
 * @param bytes what it keeps
 */
public record Keeper(ProcessId id, String command, long bytes) {}
