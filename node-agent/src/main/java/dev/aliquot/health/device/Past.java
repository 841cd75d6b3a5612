package dev.aliquot.health.device;

import java.util.List;
import java.util.Objects;

/**
 * What outlives an agent of a device's state. Times are those of {@link System#nanoTime}, the same
 * for every process until the machine starts anew.
 *
 * @param state as last decided
 * @param lost it was gone, and has not answered since
 * @param claims what has taken it out by the table
 * @param goodSinceNanos since when nothing is wrong, of one that recovers
 * @param outsNanos when it was taken out lately
 * @param placed whether it is out by what was read, with a place in the {@link DeviceBreaker};
 *     false where an agent before this field wrote it
 */
public record Past(
    DeviceState state,
    boolean lost,
    List<Claim> claims,
    long goodSinceNanos,
    List<Long> outsNanos,
    boolean placed) {
  public static final Past NONE =
      new Past(DeviceState.HEALTHY, false, List.of(), 0, List.of(), false);

  /** Copies the lists. */
  public Past {
    Objects.requireNonNull(state, "state");
    claims = List.copyOf(claims);
    outsNanos = List.copyOf(outsNanos);
  }
}
