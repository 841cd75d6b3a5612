package dev.aliquot.agent.view;

import java.time.Instant;

/**
 * Something that the agent did to a process, kept after that has gone.
 *
 * @param what suspended, released, stopping, killed or failed
 * @param device UUID
 * @param tenant the tenant's id, or empty
 * @param pid in the agent's pid namespace
 * @param command the process's name
 * @param reason a sentence for its owner
 */
public record EventView(
    Instant time,
    String what,
    String device,
    String tenant,
    int pid,
    String command,
    String reason) {}
