/**
 * Who may hold how much of a device: pure book-keeping without I/O, clock or driver. Nothing here
 * is thread-safe; a device's ledger and a tenant's books are each guarded by their owner's lock.
 */
@NullMarked
package dev.aliquot.ledger;

import org.jspecify.annotations.NullMarked;
