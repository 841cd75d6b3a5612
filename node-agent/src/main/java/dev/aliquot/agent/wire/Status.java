package dev.aliquot.agent.wire;

/** Why something was refused: {@code enum alq_status} of protocol.h. */
public enum Status {
  LIMIT(1),
  NOT_A_TENANT(2),
  MALFORMED(3),
  VERSION(4),
  NO_SLOT(5),
  STALE(6),
  CLOSED(7),
  UNAVAILABLE(8),
  HOST_POOL(9),
  AWAY(10),
  NO_SHARE(11);

  private final int code;

  Status(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
