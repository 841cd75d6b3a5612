package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.NvmlBindings;

/** A device's clocks. */
public enum ClockDomain {
  GRAPHICS(NvmlBindings.NVML_CLOCK_GRAPHICS()),
  SM(NvmlBindings.NVML_CLOCK_SM()),
  MEMORY(NvmlBindings.NVML_CLOCK_MEM());

  private final int code;

  ClockDomain(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
