/**
 * Shares: device memory that a tenant's process has handed to the tenant's other processes. The
 * agent keeps a descriptor of each piece, looks at none, and hands copies out.
 */
@NullMarked
package dev.aliquot.agent.share;

import org.jspecify.annotations.NullMarked;
