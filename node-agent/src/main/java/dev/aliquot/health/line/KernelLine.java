package dev.aliquot.health.line;

import dev.aliquot.nvml.PciAddress;

/** A line of the kernel log that says something about a device. */
public sealed interface KernelLine permits XidLine, KernelLine.Named, KernelLine.FallenOff {
  /** Where the device is. */
  PciAddress address();

  /** Printed once for each device, before its first XID. */
  record Named(PciAddress address, String uuid) implements KernelLine {}

  /** The device does not answer on the bus; printed beside XID 79, or without any XID. */
  record FallenOff(PciAddress address) implements KernelLine {}
}
