package dev.aliquot.agent.http;

import java.time.Duration;

/**
 * Bounds of a server.
 *
 * @param connections open at once
 * @param idle a connection on which nothing happens for this long is closed; also the longest a
 *     request may take to arrive
 */
public record Limits(int connections, Duration idle) {}
