package dev.aliquot.plugin.node;

import java.util.OptionalInt;

/**
 * A device as the kubelet is told of it.
 *
 * @param index as NVML counts
 * @param uuid as NVML gives it
 * @param healthy whether it takes new tenants
 * @param reason why it is not healthy, or empty
 * @param numaNode the node of the machine's memory that it is nearest to; empty where the machine
 *     has none of that number
 */
public record NodeDevice(
    int index, String uuid, boolean healthy, String reason, OptionalInt numaNode) {}
