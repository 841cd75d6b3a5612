package dev.aliquot.nvml;

/**
 * A mode that changes at the device's next reset.
 *
 * @param enabled now
 * @param pendingEnabled after the next reset
 */
public record PendingMode(boolean enabled, boolean pendingEnabled) {}
