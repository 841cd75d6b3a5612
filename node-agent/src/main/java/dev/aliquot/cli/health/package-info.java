/** How devices are, what faults there were, and faults for practice. */
@NullMarked
package dev.aliquot.cli.health;

import org.jspecify.annotations.NullMarked;
