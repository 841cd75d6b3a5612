/**
 * What is drawn on a terminal: aligned tables, bars, a picture of the node that is redrawn in
 * place.
 */
@NullMarked
package dev.aliquot.cli.screen;

import org.jspecify.annotations.NullMarked;
