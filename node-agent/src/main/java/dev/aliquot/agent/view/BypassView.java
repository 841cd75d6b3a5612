package dev.aliquot.agent.view;

import java.time.Instant;

/**
 * A process on a device whose memory is not accounted for, or not given back.
 *
 * @param pid in the agent's pid namespace
 * @param command the process's name, from /proc
 * @param cgroup its path, or empty
 * @param device UUID
 * @param tenant the tenant's id, or empty
 * @param container {@code namespace/pod/container} of the tenant, or empty
 * @param kind unattached, underreporting, keeping or stranger
 * @param bytes of it
 * @param since when it was first seen
 * @param action what was done about it, or why it could not be done
 */
public record BypassView(
    int pid,
    String command,
    String cgroup,
    String device,
    String tenant,
    String container,
    String kind,
    long bytes,
    Instant since,
    String action) {}
