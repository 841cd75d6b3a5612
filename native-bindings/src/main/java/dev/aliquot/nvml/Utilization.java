package dev.aliquot.nvml;

/**
 * A device's utilisation over the driver's last sample period (1/6 s to 1 s).
 *
 * @param gpuPercent share of time with a kernel running, 0 to 100
 * @param memoryPercent share of time with memory traffic, 0 to 100
 */
public record Utilization(int gpuPercent, int memoryPercent) {}
