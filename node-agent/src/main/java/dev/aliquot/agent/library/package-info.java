/**
 * The libraries that tenants load, from the program's own files to places where processes can map
 * them.
 */
@NullMarked
package dev.aliquot.agent.library;

import org.jspecify.annotations.NullMarked;
