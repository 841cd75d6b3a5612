package dev.aliquot.ffm;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.WrongMethodTypeException;

/**
 * A linked C function that returns an int status, with one overload of {@code call} per C signature
 * in use. Calling the overload that does not match the function's signature is a programming error
 * and throws {@link WrongMethodTypeException}. Thread-safe as far as the C function is.
 */
public final class NativeFunction {
  private final MethodHandle handle;

  NativeFunction(MethodHandle handle) {
    this.handle = handle;
  }

  public int call() {
    try {
      return (int) handle.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(int a) {
    try {
      return (int) handle.invokeExact(a);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(long a) {
    try {
      return (int) handle.invokeExact(a);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a) {
    try {
      return (int) handle.invokeExact(a);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, int b) {
    try {
      return (int) handle.invokeExact(a, b);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(int a, MemorySegment b) {
    try {
      return (int) handle.invokeExact(a, b);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, MemorySegment b) {
    try {
      return (int) handle.invokeExact(a, b);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, MemorySegment b, MemorySegment c) {
    try {
      return (int) handle.invokeExact(a, b, c);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, MemorySegment b, int c) {
    try {
      return (int) handle.invokeExact(a, b, c);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, int b, MemorySegment c) {
    try {
      return (int) handle.invokeExact(a, b, c);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, int b, int c) {
    try {
      return (int) handle.invokeExact(a, b, c);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, long b, MemorySegment c) {
    try {
      return (int) handle.invokeExact(a, b, c);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, int b, int c, MemorySegment d) {
    try {
      return (int) handle.invokeExact(a, b, c, d);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, MemorySegment b, MemorySegment c, long d) {
    try {
      return (int) handle.invokeExact(a, b, c, d);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, long b, MemorySegment c, long d) {
    try {
      return (int) handle.invokeExact(a, b, c, d);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(MemorySegment a, long b, int c, long d) {
    try {
      return (int) handle.invokeExact(a, b, c, d);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  public int call(
      MemorySegment a, MemorySegment b, MemorySegment c, MemorySegment d, MemorySegment e) {
    try {
      return (int) handle.invokeExact(a, b, c, d, e);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static Error unexpected(Throwable e) {
    switch (e) {
      case RuntimeException runtime -> throw runtime;
      case Error error -> throw error;
      default -> throw new AssertionError("a downcall threw a checked exception", e);
    }
  }
}
