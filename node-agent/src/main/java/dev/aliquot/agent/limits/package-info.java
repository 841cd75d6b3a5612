/**
 * Who holds a tenant to its memory. The interposer and the agent's credit always do; where the
 * driver has limits of its own (R615 and later) it does too, also for a process without the
 * interposer.
 */
@NullMarked
package dev.aliquot.agent.limits;

import org.jspecify.annotations.NullMarked;
