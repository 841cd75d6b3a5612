package dev.aliquot.nvml;

/**
 * A device's memory at one moment, in bytes.
 *
 * @param totalBytes all of it, the reserved part included
 * @param reservedBytes held back by driver and firmware; 0 where the driver counts it as used
 * @param usedBytes allocated by processes, contexts included
 * @param freeBytes neither reserved nor used
 */
public record DeviceMemory(long totalBytes, long reservedBytes, long usedBytes, long freeBytes) {}
