/**
 * The agent of one node: it owns every decision about its devices' memory and outlives none of its
 * tenants' work.
 */
@NullMarked
package dev.aliquot.agent;

import org.jspecify.annotations.NullMarked;
