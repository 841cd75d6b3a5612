package dev.aliquot.health.line;

import dev.aliquot.nvml.PciAddress;

/** A line of the kernel log that says something about a device. */
public sealed interface KernelLine
    permits XidLine, KernelLine.Named, KernelLine.FallenOff, KernelLine.SwitchXid {
  /** Where the device is. */
  PciAddress address();

  /** Printed once for each device, before its first XID. */
  record Named(PciAddress address, String uuid) implements KernelLine {}

  /** The device does not answer on the bus; printed beside XID 79, or without any XID. */
  record FallenOff(PciAddress address) implements KernelLine {}

  /**
   * A fault of an NVSwitch, which has numbers of its own: never an XID.
   *
   * @param address the switch's
   * @param message the rest, at most {@link KernelLineReader#MOST_MESSAGE} characters
   */
  record SwitchXid(PciAddress address, int code, String message) implements KernelLine {}
}
