/** Which ids are whose, and which device they are on. Pure: no clock, no I/O. */
@NullMarked
package dev.aliquot.plugin.ledger;

import org.jspecify.annotations.NullMarked;
