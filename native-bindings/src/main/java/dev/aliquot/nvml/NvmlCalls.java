package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.aliquot.ffm.CStrings;
import dev.aliquot.ffm.NativeFunction;
import dev.aliquot.ffm.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.ToIntFunction;

/** The shapes that NVML's calls come in, and the one place that turns a status into a result. */
final class NvmlCalls {
  private final NativeLibrary library;
  private volatile boolean shutDown;

  NvmlCalls(NativeLibrary library) {
    this.library = library;
  }

  NativeLibrary library() {
    return library;
  }

  /** From now on every call answers UNINITIALIZED without reaching the library. */
  void markShutDown() {
    shutDown = true;
  }

  boolean isShutDown() {
    return shutDown;
  }

  /** The call's status; FUNCTION_NOT_FOUND where the library lacks the function. */
  int status(String function, ToIntFunction<NativeFunction> call) {
    return status(function, function, call);
  }

  int status(String symbol, String signatureOf, ToIntFunction<NativeFunction> call) {
    if (shutDown) {
      return NvmlStatus.UNINITIALIZED.code();
    }
    NativeFunction function = library.find(symbol, signatureOf);
    return function == null ? NvmlStatus.FUNCTION_NOT_FOUND.code() : call.applyAsInt(function);
  }

  void check(String function, ToIntFunction<NativeFunction> call) {
    check(function, status(function, call));
  }

  static void check(String function, int status) {
    if (status != NvmlStatus.SUCCESS.code()) {
      throw new NvmlException(function, status);
    }
  }

  /** Whether the call succeeded; false where device or driver do not have it. */
  boolean supported(String function, ToIntFunction<NativeFunction> call) {
    int status = status(function, call);
    if (isAbsent(status)) {
      return false;
    }
    check(function, status);
    return true;
  }

  static boolean isAbsent(int status) {
    return status == NvmlStatus.NOT_SUPPORTED.code()
        || status == NvmlStatus.FUNCTION_NOT_FOUND.code()
        || status == NvmlStatus.DEPRECATED.code();
  }

  OptionalInt intOf(String function, MemorySegment device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      return supported(function, f -> f.call(device, out))
          ? OptionalInt.of(out.get(JAVA_INT, 0))
          : OptionalInt.empty();
    }
  }

  OptionalInt intOf(String function, MemorySegment device, int which) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      return supported(function, f -> f.call(device, which, out))
          ? OptionalInt.of(out.get(JAVA_INT, 0))
          : OptionalInt.empty();
    }
  }

  OptionalLong longOf(String function, MemorySegment device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      return supported(function, f -> f.call(device, out))
          ? OptionalLong.of(out.get(JAVA_LONG, 0))
          : OptionalLong.empty();
    }
  }

  /** Two ints of one call, such as a current and a pending mode. */
  Optional<int[]> intPairOf(String function, MemorySegment device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment first = arena.allocate(JAVA_INT);
      MemorySegment second = arena.allocate(JAVA_INT);
      return supported(function, f -> f.call(device, first, second))
          ? Optional.of(new int[] {first.get(JAVA_INT, 0), second.get(JAVA_INT, 0)})
          : Optional.empty();
    }
  }

  Optional<String> stringOf(String function, MemorySegment device, int bufferBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(bufferBytes);
      return supported(function, f -> f.call(device, buffer, bufferBytes))
          ? Optional.of(CStrings.read(buffer))
          : Optional.empty();
    }
  }

  /** A handle that a call writes to its out-parameter. */
  MemorySegment handleOf(String function, HandleCall call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check(function, f -> call.call(f, out));
      return out.get(ADDRESS, 0);
    }
  }

  interface HandleCall {
    int call(NativeFunction function, MemorySegment out);
  }
}
