/**
 * The node's devices: what they are, what is allocated on them, and how they were when last read.
 */
@NullMarked
package dev.aliquot.agent.device;

import org.jspecify.annotations.NullMarked;
