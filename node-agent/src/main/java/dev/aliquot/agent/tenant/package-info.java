/** Tenants: their processes, what these may hold and do hold, and their answers. */
@NullMarked
package dev.aliquot.agent.tenant;

import org.jspecify.annotations.NullMarked;
