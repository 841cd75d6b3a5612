package dev.aliquot.agent.tenant;

import dev.aliquot.agent.process.ProcessId;

/**
 * What one process holds beyond what it reported, by one reading alone.
 *
 * @param exact no report moved during the reading; else it may be too high
 */
public record Shortfall(ProcessId id, String command, long bytes, boolean exact) {}
