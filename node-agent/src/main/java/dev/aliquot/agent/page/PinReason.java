package dev.aliquot.agent.page;

import java.util.Arrays;
import java.util.Optional;

/** Why memory of a process stays on its device; alq_pin_reason of protocol.h. */
public enum PinReason {
  SHARED(1, "shared by IPC"),
  EXPORTED(2, "exported or bound"),
  HOST(3, "reachable by the host"),
  RDMA(4, "registered for RDMA"),
  OPENED(5, "opened from another process");

  private final int code;
  private final String text;

  PinReason(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** What is said of the bytes. */
  public String text() {
    return text;
  }

  /** Its number in the page. */
  int code() {
    return code;
  }

  static Optional<PinReason> of(int code) {
    return Arrays.stream(values()).filter(reason -> reason.code == code).findFirst();
  }
}
