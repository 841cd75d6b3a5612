/**
 * Metrics in the Prometheus text format, made at every scrape from the agent's view and counters;
 * one table says what there is.
 */
@NullMarked
package dev.aliquot.agent.metrics;

import org.jspecify.annotations.NullMarked;
