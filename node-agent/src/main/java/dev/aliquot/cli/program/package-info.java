/**
 * Programs that commands start: native ones packed into the artefacts, and this program once more.
 */
@NullMarked
package dev.aliquot.cli.program;

import org.jspecify.annotations.NullMarked;
