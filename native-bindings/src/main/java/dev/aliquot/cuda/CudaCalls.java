package dev.aliquot.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.aliquot.ffm.CStrings;
import dev.aliquot.ffm.NativeFunction;
import dev.aliquot.ffm.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.ToIntFunction;

/** The one place that turns the driver's status into a result or an exception. */
final class CudaCalls {
  private static final int ERROR_TEXT_BYTES = 1024;

  private final NativeLibrary library;

  CudaCalls(NativeLibrary library) {
    this.library = library;
  }

  NativeLibrary library() {
    return library;
  }

  /** The call's status; CALL_REQUIRES_NEWER_DRIVER where the library lacks the function. */
  int status(String function, ToIntFunction<NativeFunction> call) {
    NativeFunction found = library.find(function);
    return found == null ? CudaStatus.CALL_REQUIRES_NEWER_DRIVER.code() : call.applyAsInt(found);
  }

  void check(String function, ToIntFunction<NativeFunction> call) {
    check(function, status(function, call));
  }

  void check(String function, int status) {
    if (status != CudaStatus.SUCCESS.code()) {
      throw new CudaException(function, status, name(status), meaning(status));
    }
  }

  int intOf(String function, OutCall call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      check(function, f -> call.call(f, out));
      return out.get(JAVA_INT, 0);
    }
  }

  /** A call with one out-parameter. */
  interface OutCall {
    int call(NativeFunction function, MemorySegment out);
  }

  private String name(int status) {
    return driverText("cuGetErrorName", status)
        .orElseGet(
            () ->
                CudaStatus.of(status)
                    .map(known -> "CUDA_ERROR_" + known.name())
                    .orElse("CUDA error " + status));
  }

  private String meaning(int status) {
    return CudaStatus.of(status)
        .map(CudaStatus::meaning)
        .or(() -> driverText("cuGetErrorString", status))
        .orElse("an error this version of Aliquot does not know");
  }

  /** The driver's text of a status; needs no initialised driver. */
  Optional<String> driverText(String function, int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      if (status(function, f -> f.call(status, out)) != CudaStatus.SUCCESS.code()) {
        return Optional.empty();
      }
      MemorySegment text = out.get(ADDRESS, 0);
      return text.address() == 0
          ? Optional.empty()
          : Optional.of(CStrings.read(text.reinterpret(ERROR_TEXT_BYTES)));
    }
  }
}
