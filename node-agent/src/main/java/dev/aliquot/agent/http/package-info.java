/**
 * The agent's HTTP side: routes, JSON answers, a bounded Netty server over TCP or a unix socket.
 * Nothing of a route runs on an event loop.
 */
@NullMarked
package dev.aliquot.agent.http;

import org.jspecify.annotations.NullMarked;
