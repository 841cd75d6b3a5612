/** The {@code aliquot} command. */
@NullMarked
package dev.aliquot.cli;

import org.jspecify.annotations.NullMarked;
