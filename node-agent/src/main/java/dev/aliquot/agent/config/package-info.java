/**
 * The agent's configuration: one table of keys, from which the loader, the command line's flags,
 * the errors and the reference page are made. Bad configuration is one {@link
 * dev.aliquot.agent.config.ConfigException} with a sentence for every fault found.
 */
@NullMarked
package dev.aliquot.agent.config;

import org.jspecify.annotations.NullMarked;
