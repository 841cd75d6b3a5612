package dev.aliquot.health.device;

/**
 * How a device stands, and why.
 *
 * @param reason a sentence for a person; empty where it is healthy
 * @param fault the id of the fault that decided, 0 where none did
 * @param replace whether the device wants replacing
 */
public record Verdict(DeviceState state, String reason, long fault, boolean replace) {
  public static final Verdict HEALTHY = new Verdict(DeviceState.HEALTHY, "", 0, false);
}
