/** The ledger on disk, for the next agent. */
@NullMarked
package dev.aliquot.plugin.state;

import org.jspecify.annotations.NullMarked;
