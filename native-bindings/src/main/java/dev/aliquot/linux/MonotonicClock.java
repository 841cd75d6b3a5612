package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/**
 * CLOCK_MONOTONIC: time since boot, but for times of suspension. Other than {@link
 * System#nanoTime}, whose origin Java leaves open, it can be compared with what the kernel and
 * other processes say.
 */
public final class MonotonicClock {
  private static final int CLOCK_MONOTONIC = 1;
  private static final MethodHandle CLOCK_GETTIME =
      Libc.withErrno("clock_gettime", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

  private MonotonicClock() {}

  public static Duration now() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      MemorySegment time = arena.allocate(JAVA_LONG, 2);
      int result = (int) CLOCK_GETTIME.invokeExact(state, CLOCK_MONOTONIC, time);
      if (result < 0) {
        throw new LinuxException("clock_gettime", "CLOCK_MONOTONIC", Libc.errno(state));
      }
      return Duration.ofSeconds(time.get(JAVA_LONG, 0), time.get(JAVA_LONG, Long.BYTES));
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }
}
