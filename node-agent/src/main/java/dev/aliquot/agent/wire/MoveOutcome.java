package dev.aliquot.agent.wire;

/** How an attempt to move memory ended: {@code enum alq_move_outcome} of protocol.h. */
public enum MoveOutcome {
  /** What was asked has been done. */
  DONE(0),
  /** No movable memory is left on the device. */
  NOTHING(1),
  /** There was no host chunk. */
  HOST_POOL(2),
  /** The device did not finish what had been submitted in time. */
  BUSY(3),
  /** A stream was being captured all the time. */
  CAPTURING(4),
  /** The driver refused a step; the data is where it was. */
  FAILED(5),
  /** It cannot keep a descriptor of each host chunk, so its contexts stay on the device. */
  DESCRIPTORS(6);

  private final int code;

  MoveOutcome(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** {@link #FAILED} for a code that is not known. */
  static MoveOutcome of(int code) {
    for (MoveOutcome outcome : values()) {
      if (outcome.code == code) {
        return outcome;
      }
    }
    return FAILED;
  }
}
