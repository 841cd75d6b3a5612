/**
 * Log lines on stderr: one JSON object a line, or text for a reader. Fields of a line come from
 * slf4j's MDC.
 */
@NullMarked
package dev.aliquot.agent.log;

import org.jspecify.annotations.NullMarked;
