/**
 * Frames between a tenant's processes and the agent, and the sockets they come in by. Everything
 * received is hostile.
 */
@NullMarked
package dev.aliquot.agent.wire;

import org.jspecify.annotations.NullMarked;
