package dev.aliquot.agent.pool;

/**
 * What a tenant may have of chunks for one device.
 *
 * @param tenantBytes the most that the tenant's may be together
 * @param madeBytes the most that may have been made for the process that wishes for one
 */
public record Allowance(long tenantBytes, long madeBytes) {}
