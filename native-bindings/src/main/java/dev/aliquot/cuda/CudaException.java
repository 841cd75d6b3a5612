package dev.aliquot.cuda;

import dev.aliquot.ffm.NativeException;
import java.util.Optional;

/** A CUDA driver call failed. */
public final class CudaException extends NativeException {
  private static final long serialVersionUID = 1L;

  private final int code;
  private final String codeName;
  private final String call;

  CudaException(String call, int code, String codeName, String meaning) {
    super("%s failed with %s: %s".formatted(call, codeName, meaning));
    this.call = call;
    this.code = code;
    this.codeName = codeName;
  }

  /** The driver's number. */
  public int code() {
    return code;
  }

  /** The driver's name of the number, such as {@code CUDA_ERROR_OUT_OF_MEMORY}. */
  public String codeName() {
    return codeName;
  }

  /** The status, empty for a number that is not listed there. */
  public Optional<CudaStatus> status() {
    return CudaStatus.of(code);
  }

  public boolean is(CudaStatus status) {
    return code == status.code();
  }

  /** The C function that failed. */
  public String call() {
    return call;
  }
}
