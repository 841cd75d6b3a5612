/**
 * What each XID means and asks for: a table that is data, with a version, and that users override
 * row by row. Pure but for the reading of its files.
 */
@NullMarked
package dev.aliquot.health.catalogue;

import org.jspecify.annotations.NullMarked;
