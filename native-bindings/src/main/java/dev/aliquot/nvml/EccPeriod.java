package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.NvmlBindings;

/** Which counter of memory errors. */
public enum EccPeriod {
  /** Since the driver was loaded. */
  VOLATILE(NvmlBindings.NVML_VOLATILE_ECC()),
  /** Since the device was made. */
  AGGREGATE(NvmlBindings.NVML_AGGREGATE_ECC());

  private final int code;

  EccPeriod(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
