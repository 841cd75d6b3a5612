/** What the agent counts about itself. */
@NullMarked
package dev.aliquot.agent.count;

import org.jspecify.annotations.NullMarked;
