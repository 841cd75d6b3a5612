package dev.aliquot.agent.wire;

/** What happens on tenants' sockets besides requests; for counting. Thread-safe. */
public interface SocketEvents {

  void refused(Status status);

  void malformed();

  void idle();
}
