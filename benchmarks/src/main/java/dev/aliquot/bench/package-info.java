/**
 * What Aliquot costs. Every figure that can be is measured beside the bare driver in the same run;
 * nothing here asserts a time.
 */
@NullMarked
package dev.aliquot.bench;

import org.jspecify.annotations.NullMarked;
