package dev.aliquot.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/** Asks the dynamic linker for its own words, which FFM's lookup does not pass on. */
final class DynamicLinker {
  private static final int RTLD_LAZY = 1;
  private static final int REASON_BYTES = 1024;

  private DynamicLinker() {}

  /** Tries a file again that could not be loaded; empty if it loads now or no reason is given. */
  static Optional<String> refusal(Path path) {
    Linker linker = Linker.nativeLinker();
    MethodHandle dlopen =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dlopen"),
            FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
    MethodHandle dlerror =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dlerror"), FunctionDescriptor.of(ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment library =
          (MemorySegment) dlopen.invokeExact(arena.allocateFrom(path.toString()), RTLD_LAZY);
      if (library.address() != 0) {
        return Optional.empty();
      }
      MemorySegment reason = (MemorySegment) dlerror.invokeExact();
      return reason.address() == 0
          ? Optional.empty()
          : Optional.of(CStrings.read(reason.reinterpret(REASON_BYTES)).strip());
    } catch (Throwable e) {
      throw NativeFunction.unexpected(e);
    }
  }
}
