package dev.aliquot.agent.device;

/**
 * What does not change while the driver runs.
 *
 * @param index NVML's
 * @param uuid NVML's
 * @param name model
 * @param pciAddress bus address
 * @param totalBytes all of its memory; 0 where it has none of its own
 * @param reservedBytes held back by driver and firmware
 */
public record DeviceFacts(
    int index, String uuid, String name, String pciAddress, long totalBytes, long reservedBytes) {}
