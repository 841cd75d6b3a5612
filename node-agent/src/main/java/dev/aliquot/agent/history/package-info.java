/** How the devices were in the last hour: a ring of fixed size, filled while the agent runs. */
@NullMarked
package dev.aliquot.agent.history;

import org.jspecify.annotations.NullMarked;
