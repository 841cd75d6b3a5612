/**
 * The host pool: pinned host memory in chunks that tenants hold as file descriptors, so that data
 * of lent device memory can be moved out of the way. A chunk that a tenant has once had is that
 * tenant's until it has ended, and is then destroyed: nobody else ever gets it.
 */
@NullMarked
package dev.aliquot.agent.pool;

import org.jspecify.annotations.NullMarked;
