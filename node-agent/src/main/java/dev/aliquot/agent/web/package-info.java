/** The page for people: its files, and the stream that keeps it current. It changes nothing. */
@NullMarked
package dev.aliquot.agent.web;

import org.jspecify.annotations.NullMarked;
