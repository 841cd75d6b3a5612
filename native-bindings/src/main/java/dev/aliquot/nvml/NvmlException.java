package dev.aliquot.nvml;

import dev.aliquot.ffm.NativeException;
import java.util.Optional;

/** An NVML call failed. */
public final class NvmlException extends NativeException {
  private static final long serialVersionUID = 1L;

  private final int code;
  private final String call;

  NvmlException(String call, int code) {
    super(
        "%s failed with %s: %s"
            .formatted(
                call,
                name(code),
                NvmlStatus.of(code)
                    .map(NvmlStatus::meaning)
                    .orElse("an error this version of Aliquot does not know")));
    this.call = call;
    this.code = code;
  }

  NvmlException(String call, NvmlStatus status) {
    this(call, status.code());
  }

  /** NVML's number. */
  public int code() {
    return code;
  }

  /** NVML's name of the number, such as {@code NVML_ERROR_GPU_IS_LOST}. */
  public String codeName() {
    return name(code);
  }

  /** The status, empty for a number that a newer driver added. */
  public Optional<NvmlStatus> status() {
    return NvmlStatus.of(code);
  }

  public boolean is(NvmlStatus status) {
    return code == status.code();
  }

  /** The C function that failed. */
  public String call() {
    return call;
  }

  private static String name(int code) {
    return NvmlStatus.of(code)
        .map(status -> "NVML_ERROR_" + status.name())
        .orElse("NVML error " + code);
  }
}
