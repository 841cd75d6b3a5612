package dev.aliquot.health.device;

/**
 * How a device stands, and why.
 *
 * @param reason a sentence for a person; empty where it is healthy
 * @param fault the id of the fault that decided, 0 where none did
 * @param replace whether the device wants replacing
 * @param drill whether it is so for practice: it is told, and nothing else is done
 */
public record Verdict(
    DeviceState state, String reason, long fault, boolean replace, boolean drill) {
  public static final Verdict HEALTHY = ofDevice(DeviceState.HEALTHY, "", false);

  /** One that no fault decided, but what the device says of itself. */
  public static Verdict ofDevice(DeviceState state, String reason, boolean replace) {
    return new Verdict(state, reason, 0, replace, false);
  }

  Verdict because(String other) {
    return new Verdict(state, other, fault, replace, drill);
  }
}
