package dev.aliquot.cuda;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The driver's result codes that a caller of this package can meet, and what to do about each. */
public enum CudaStatus {
  SUCCESS(0, "it succeeded"),
  INVALID_VALUE(1, "an argument is not valid for this device or driver"),
  OUT_OF_MEMORY(2, "there is not enough memory of the kind asked for"),
  NOT_INITIALIZED(3, "the driver is not initialised"),
  DEINITIALIZED(4, "the driver is shutting down with the process"),
  STUB_LIBRARY(
      34, "the library is a stub for linking; give the path of the driver's own libcuda.so.1"),
  CALL_REQUIRES_NEWER_DRIVER(36, "this driver is too old for it; update the NVIDIA driver"),
  DEVICE_UNAVAILABLE(
      46,
      "the device is in use by another process in an exclusive compute mode; set it to DEFAULT"),
  NO_DEVICE(
      100,
      "no CUDA device is to be seen; check that the NVIDIA driver is loaded, a device is passed through and CUDA_VISIBLE_DEVICES allows it, or use a simulated node"),
  INVALID_DEVICE(101, "there is no such device, or it is unusable"),
  DEVICE_NOT_LICENSED(102, "the device has no licence for compute"),
  INVALID_CONTEXT(201, "there is no CUDA context, or it is not valid"),
  ECC_UNCORRECTABLE(214, "the device has an uncorrectable memory error; reset or replace it"),
  OPERATING_SYSTEM(304, "a system call failed; check the limits and permissions of this process"),
  INVALID_HANDLE(400, "the handle is not valid"),
  ILLEGAL_STATE(401, "the process or object is not in a state that allows it"),
  NOT_FOUND(500, "nothing of that name or number exists"),
  NOT_READY(600, "it is not finished yet"),
  NOT_PERMITTED(800, "it is not permitted; run as root or as the same user"),
  NOT_SUPPORTED(801, "device, driver or system do not support it"),
  SYSTEM_NOT_READY(
      802, "the system is not ready for CUDA; start the fabric manager or wait for it"),
  SYSTEM_DRIVER_MISMATCH(
      803,
      "the library and the loaded NVIDIA kernel driver are of different versions; restart the machine or reload the driver"),
  COMPAT_NOT_SUPPORTED_ON_DEVICE(
      804,
      "the forward-compatible library does not support this device; use the driver's own libcuda.so.1"),
  MPS_CONNECTION_FAILED(
      805, "the MPS server cannot be reached; start it or unset CUDA_MPS_PIPE_DIRECTORY"),
  TIMEOUT(909, "it took too long"),
  UNKNOWN(999, "the driver gives no reason; see the kernel log and check that /dev/nvidia* exist");

  private static final Map<Integer, CudaStatus> BY_CODE =
      Arrays.stream(values()).collect(Collectors.toMap(CudaStatus::code, Function.identity()));

  private final int code;
  private final String meaning;

  CudaStatus(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** The number the driver returns. */
  public int code() {
    return code;
  }

  /** The cause in words, and what to do. */
  public String meaning() {
    return meaning;
  }

  /** The status of a code, empty for one that is not listed here. */
  public static Optional<CudaStatus> of(int code) {
    return Optional.ofNullable(BY_CODE.get(code));
  }
}
