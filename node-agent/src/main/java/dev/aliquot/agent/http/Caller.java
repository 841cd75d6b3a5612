package dev.aliquot.agent.http;

/** The process at the other end of a unix socket, as the kernel says (SO_PEERCRED). */
public record Caller(int pid, int uid, int gid) {
  /** For transports that know no peer. */
  public static final Caller NOBODY = new Caller(0, -1, -1);
}
