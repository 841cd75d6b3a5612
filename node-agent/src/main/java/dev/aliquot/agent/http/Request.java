package dev.aliquot.agent.http;

import dev.aliquot.agent.http.Route.Method;

/**
 * What a route is given.
 *
 * @param path as in the request, decoded, without the query
 * @param parameter what stands at the route's {@code {}}; empty where it has none
 * @param body at most the server's bound
 * @param peer who asks, on a unix socket; {@link Caller#NOBODY} on TCP
 */
@SuppressWarnings("ArrayRecordComponent")
public record Request(Method method, String path, String parameter, byte[] body, Caller peer) {}
