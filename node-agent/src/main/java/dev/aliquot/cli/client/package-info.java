/** Finds the agent of a state folder and talks to it over its administration socket. */
@NullMarked
package dev.aliquot.cli.client;

import org.jspecify.annotations.NullMarked;
