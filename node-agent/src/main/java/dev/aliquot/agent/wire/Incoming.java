package dev.aliquot.agent.wire;

/** What came out of a connection's bytes. */
sealed interface Incoming {
  int requestId();

  record Understood(int requestId, Request request) implements Incoming {}

  /** Nothing after this can be read: the connection ends with the answer. */
  record Broken(int requestId, Status status, String sentence) implements Incoming {}
}
