package dev.aliquot.nvml;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** NVML's return codes, each with what it means to a user and what to do. */
public enum NvmlStatus {
  SUCCESS(0, "it succeeded"),
  UNINITIALIZED(1, "NVML is not initialised or already shut down; open it again"),
  INVALID_ARGUMENT(2, "an argument is not valid for this device or driver"),
  NOT_SUPPORTED(3, "the device or driver does not support it"),
  NO_PERMISSION(4, "this user may not do it; run as root or grant access to /dev/nvidia*"),
  ALREADY_INITIALIZED(5, "NVML is already initialised"),
  NOT_FOUND(6, "nothing of that name or at that place exists"),
  INSUFFICIENT_SIZE(7, "the buffer given was too small"),
  INSUFFICIENT_POWER(8, "a power cable of the device is not attached; attach it"),
  DRIVER_NOT_LOADED(
      9,
      "the NVIDIA driver is not loaded on this machine; load it (modprobe nvidia) or use a simulated node"),
  TIMEOUT(10, "it took too long"),
  IRQ_ISSUE(11, "the kernel has an interrupt problem with a device; see the kernel log"),
  LIBRARY_NOT_FOUND(12, "a library that NVML needs was not found; reinstall the NVIDIA driver"),
  FUNCTION_NOT_FOUND(13, "this driver is too old for it; update the NVIDIA driver"),
  CORRUPTED_INFOROM(14, "the device's configuration memory is corrupt; have the device replaced"),
  GPU_IS_LOST(15, "the device has fallen off the bus; reset it or restart the machine"),
  RESET_REQUIRED(16, "the device must be reset before it can be used again"),
  OPERATING_SYSTEM(17, "the device is blocked by the operating system or its control groups"),
  LIB_RM_VERSION_MISMATCH(
      18,
      "the library and the loaded NVIDIA kernel driver are of different versions; restart the machine or reload the driver"),
  IN_USE(19, "the device is in use"),
  MEMORY(20, "there is not enough memory"),
  NO_DATA(21, "there is no data"),
  VGPU_ECC_NOT_SUPPORTED(22, "ECC is on, which this vGPU operation does not support"),
  INSUFFICIENT_RESOURCES(23, "the driver has run out of a resource"),
  FREQ_NOT_SUPPORTED(24, "the device does not support that frequency"),
  ARGUMENT_VERSION_MISMATCH(25, "this driver does not know that version of the structure"),
  DEPRECATED(26, "this driver no longer has it"),
  NOT_READY(27, "the device or driver is not ready yet; try again"),
  GPU_NOT_FOUND(28, "no device was found; check that one is installed and passed through"),
  INVALID_STATE(29, "the device is in a state that does not allow it"),
  RESET_TYPE_NOT_SUPPORTED(30, "the device does not support this kind of reset"),
  UNKNOWN(999, "the driver gives no reason; see the kernel log");

  private static final Map<Integer, NvmlStatus> BY_CODE =
      Arrays.stream(values()).collect(Collectors.toMap(NvmlStatus::code, Function.identity()));

  private final int code;
  private final String meaning;

  NvmlStatus(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** The number NVML returns. */
  public int code() {
    return code;
  }

  /** The cause in words, and what to do. */
  public String meaning() {
    return meaning;
  }

  /** The status of a code, empty for one that a newer driver added. */
  public static Optional<NvmlStatus> of(int code) {
    return Optional.ofNullable(BY_CODE.get(code));
  }
}
