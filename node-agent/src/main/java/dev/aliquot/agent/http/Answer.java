package dev.aliquot.agent.http;

/** What a route answers: a whole answer, or a stream of messages to listen to. */
public sealed interface Answer permits Response, EventStream {}
