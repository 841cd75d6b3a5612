package dev.aliquot.agent.process;

/**
 * One process for all time: a pid comes round again, the pair does not.
 *
 * @param pid in the agent's pid namespace
 * @param startTime field 22 of /proc/&lt;pid&gt;/stat, in clock ticks since boot
 */
public record ProcessId(int pid, long startTime) {}
