/**
 * Faults: what sources report, put together so that one fault is one, however many sources saw it
 * and however many lines it printed. Pure; time comes with the reports.
 */
@NullMarked
package dev.aliquot.health.fault;

import org.jspecify.annotations.NullMarked;
