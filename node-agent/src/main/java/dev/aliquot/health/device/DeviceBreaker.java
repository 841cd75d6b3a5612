package dev.aliquot.health.device;

import java.util.HashSet;
import java.util.Set;

/**
 * Keeps faults that were read from taking out more than a share of a node's devices at once, so
 * that a wrong row of the table, or a line that was read wrongly, never takes out them all. Not
 * thread-safe; the devices of a node share one.
 *
 * <p>A device that is out by a line or an event alone has a place, from then until it takes tenants
 * again. One that gets none is held back: it takes tenants, and asks again. What the driver itself
 * says of a device is a fact, and needs no place. A drill gets a place where one is free, and keeps
 * none from a real fault.
 */
public final class DeviceBreaker {
  private final int devices;
  private final int most;
  private final Set<String> real = new HashSet<>();
  private final Set<String> drills = new HashSet<>();

  /**
   * @param devices that the node has
   * @param percent of them that may be out at once; at least one may
   */
  public DeviceBreaker(int devices, double percent) {
    this.devices = devices;
    this.most = Math.max(1, (int) Math.floor(devices * percent / 100));
  }

  private DeviceBreaker(DeviceBreaker other) {
    devices = other.devices;
    most = other.most;
    real.addAll(other.real);
    drills.addAll(other.drills);
  }

  /** One of its own with the same places taken. */
  public DeviceBreaker copy() {
    return new DeviceBreaker(this);
  }

  /** What it lets happen, as a part of a sentence. */
  public String rule() {
    return "health-device-breaker lets faults that were read take out "
        + most
        + " of "
        + devices
        + " devices at once";
  }

  /** Whether a device may be out; it has a place from then on. */
  boolean admit(String device, boolean drill) {
    boolean has = real.contains(device) || (drill && drills.contains(device));
    if (has) {
      return true;
    }
    if (real.size() + (drill ? drills.size() : 0) >= most) {
      return false;
    }
    drills.remove(device);
    return (drill ? drills : real).add(device);
  }

  /** A device was out when the agent before this one ended: it stays out, whatever the share is. */
  void carry(String device) {
    real.add(device);
  }

  /** Whether a device has a place for what really happened. */
  boolean hasPlace(String device) {
    return real.contains(device);
  }

  /** How many places are taken. */
  int taken() {
    return real.size() + drills.size();
  }

  /** A device takes tenants, or is out by what the driver says of it. */
  void release(String device) {
    real.remove(device);
    drills.remove(device);
  }
}
