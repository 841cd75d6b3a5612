package dev.aliquot.nvml;

/**
 * One sample of what a process does with a device.
 *
 * @param timestampMicros when it was taken, in the driver's microseconds since the epoch
 * @param smPercent share of time with a kernel of it running, 0 to 100
 * @param memoryPercent share of time with memory traffic of it, 0 to 100
 */
public record ProcessUtilization(
    int pid,
    long timestampMicros,
    int smPercent,
    int memoryPercent,
    int encoderPercent,
    int decoderPercent) {}
