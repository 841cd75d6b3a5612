/**
 * Ground truth: what the driver says is held, read regularly and on demand, and charged to whom it
 * belongs.
 */
@NullMarked
package dev.aliquot.agent.truth;

import org.jspecify.annotations.NullMarked;
