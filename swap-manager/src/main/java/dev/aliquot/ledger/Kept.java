package dev.aliquot.ledger;

/**
 * What a process does not give back although it was lent to its tenant and another waits for it.
 *
 * @param slot the process's
 * @param bytes more than 0
 */
public record Kept(int slot, long bytes) {}
