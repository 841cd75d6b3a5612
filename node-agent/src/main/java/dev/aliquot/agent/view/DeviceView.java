package dev.aliquot.agent.view;

import java.util.List;

/**
 * One device of the node.
 *
 * @param index NVML index
 * @param uuid NVML UUID
 * @param name model name
 * @param pciAddress bus address
 * @param totalBytes NVML's total
 * @param reservedBytes held back by the driver
 * @param headroomBytes held back by Aliquot's configuration
 * @param capacityBytes what tenants can be given: total - reserved - headroom
 * @param allocatedBytes the sum of the tenants' requests
 * @param loanBytes what tenants use beyond their requests
 * @param usedBytes NVML's figure for everything on the device, without the reserved part
 * @param utilizationPercent share of time with a kernel running, 0..100, -1 where the driver does
 *     not say
 * @param memoryUtilizationPercent as above for memory traffic
 * @param temperatureCelsius -1 where the driver does not say
 * @param powerMilliwatts -1 where the driver does not say
 * @param health healthy, unhealthy or unknown
 * @param healthReason why, or empty
 * @param state what faults have made of it: healthy, suspect, recovering, draining, needs-reset,
 *     needs-reboot or lost
 * @param stateReason why, or empty
 * @param replace whether it wants replacing
 * @param exchangesPerMinute how often tenants' processes came back to it in the last minute, after
 *     they had been swapped out
 * @param strangers processes on the device that belong to no tenant
 * @param bypasses those of them that are not accounted for, with what was done about them
 */
public record DeviceView(
    int index,
    String uuid,
    String name,
    String pciAddress,
    long totalBytes,
    long reservedBytes,
    long headroomBytes,
    long capacityBytes,
    long allocatedBytes,
    long loanBytes,
    long usedBytes,
    int utilizationPercent,
    int memoryUtilizationPercent,
    int temperatureCelsius,
    long powerMilliwatts,
    String health,
    String healthReason,
    String state,
    String stateReason,
    boolean replace,
    int exchangesPerMinute,
    List<ProcessView> strangers,
    List<BypassView> bypasses) {}
