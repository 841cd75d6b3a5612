package dev.aliquot.nvml;

/**
 * Rows of device memory that were replaced by spare ones.
 *
 * @param corrected rows remapped after correctable errors
 * @param uncorrectable rows remapped after uncorrectable errors
 * @param pending a remap waits for the next reset
 * @param failed a remap failed: the device must be replaced
 */
public record RemappedRows(int corrected, int uncorrectable, boolean pending, boolean failed) {}
