/** What of the agent outlives it: the state directory and the files in it. */
@NullMarked
package dev.aliquot.agent.state;

import org.jspecify.annotations.NullMarked;
