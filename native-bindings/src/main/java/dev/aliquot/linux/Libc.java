package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/** Links the C library's functions with errno captured. */
final class Libc {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private Libc() {}

  /** A function whose first parameter is the segment that errno goes to, from {@link #state}. */
  static MethodHandle withErrno(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        descriptor,
        Linker.Option.captureCallState("errno"));
  }

  /** The same for a function with further arguments after that many. */
  static MethodHandle variadic(String name, FunctionDescriptor descriptor, int fixed) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        descriptor,
        Linker.Option.firstVariadicArg(fixed),
        Linker.Option.captureCallState("errno"));
  }

  /** A function that sets no errno. */
  static MethodHandle plain(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
  }

  /** {@code syscall(2)} with a number and {@code arguments} further arguments of 64 bits. */
  static MethodHandle syscall(int arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments + 1];
    Arrays.fill(layouts, JAVA_LONG);
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow("syscall"),
        FunctionDescriptor.of(JAVA_LONG, layouts),
        Linker.Option.firstVariadicArg(1),
        Linker.Option.captureCallState("errno"));
  }

  static MemorySegment state(SegmentAllocator allocator) {
    return allocator.allocate(STATE);
  }

  static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  static boolean isX64() {
    return System.getProperty("os.arch", "").equals("amd64");
  }

  static Error unexpected(Throwable e) {
    switch (e) {
      case RuntimeException runtime -> throw runtime;
      case Error error -> throw error;
      default -> throw new AssertionError("a downcall threw a checked exception", e);
    }
  }

  /** An int call on one descriptor or id, -1 meaning failure. */
  static int intCall(MethodHandle handle, String call, int a) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      int result = (int) handle.invokeExact(state, a);
      if (result < 0) {
        throw new LinuxException(call, Integer.toString(a), errno(state));
      }
      return result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** An int call on two ints, -1 meaning failure. */
  static int intCall(MethodHandle handle, String call, int a, int b) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      int result = (int) handle.invokeExact(state, a, b);
      if (result < 0) {
        throw new LinuxException(call, a + ", " + b, errno(state));
      }
      return result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** An int call on three ints, -1 meaning failure. */
  static int intCall(MethodHandle handle, String call, int a, int b, int c) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      int result = (int) handle.invokeExact(state, a, b, c);
      if (result < 0) {
        throw new LinuxException(call, a + ", " + b + ", " + c, errno(state));
      }
      return result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static FunctionDescriptor ints(int arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments];
    Arrays.fill(layouts, JAVA_INT);
    return FunctionDescriptor.of(JAVA_INT, layouts);
  }
}
