/** Processes of this machine, as /proc tells of them, and their ends. */
@NullMarked
package dev.aliquot.agent.process;

import org.jspecify.annotations.NullMarked;
