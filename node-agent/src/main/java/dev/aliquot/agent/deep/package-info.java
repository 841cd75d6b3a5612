/**
 * Takes the contexts of processes off their devices, and brings them back, by the driver's
 * checkpoint. Knows nothing of tenants: who may go, and whether there is room to come back, is for
 * the caller to know.
 */
@NullMarked
package dev.aliquot.agent.deep;

import org.jspecify.annotations.NullMarked;
