package dev.aliquot.agent.bypass;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.state.TenantRecord;
import org.jspecify.annotations.Nullable;

/**
 * What one reading of one device shows of one process that is not accounted for.
 *
 * @param bytes not accounted for
 * @param exact no report moved during the reading; else the figure may be too high
 * @param tenant whose it is; null: nobody's
 */
public record Sighting(
    ProcessId id,
    String command,
    Kind kind,
    long bytes,
    boolean exact,
    @Nullable TenantRecord tenant) {}
