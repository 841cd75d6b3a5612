package dev.aliquot.agent.bypass;

/**
 * What became of an attempt to do what the policy says.
 *
 * @param settled nothing further is to be tried
 */
record Outcome(String action, boolean settled) {}
