package dev.aliquot.agent.bypass;

import java.time.Instant;

/**
 * Something that was done to a process, or that it did; kept after the process has gone.
 *
 * @param what suspended, released, stopping, killed or failed
 * @param reason a sentence for its owner
 */
public record Event(Instant time, String what, Finding finding, String reason) {}
