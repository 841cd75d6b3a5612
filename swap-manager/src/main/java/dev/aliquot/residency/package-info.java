/**
 * Who may be swapped out, and when: the policy behind {@link dev.aliquot.ledger.SwapPolicy}. No
 * I/O, no clock of its own.
 */
@NullMarked
package dev.aliquot.residency;

import org.jspecify.annotations.NullMarked;
