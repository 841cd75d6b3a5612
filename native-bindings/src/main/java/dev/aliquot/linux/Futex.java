package dev.aliquot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Wakes threads of other processes that wait on a word in shared memory. Thread-safe. */
public final class Futex {
  private static final long SYS_FUTEX = Libc.isX64() ? 202 : 98;
  private static final long FUTEX_WAKE_SHARED = 1;
  private static final MethodHandle FUTEX = Libc.syscall(6);

  private Futex() {}

  /**
   * Wakes every waiter on a 32-bit word.
   *
   * @param word memory shared between processes; its address is a multiple of 4
   * @return how many were woken
   */
  public static int wakeAll(MemorySegment word) {
    if (!word.isNative()
        || word.byteSize() < Integer.BYTES
        || word.address() % Integer.BYTES != 0) {
      throw new IllegalArgumentException("a futex is an aligned 32-bit word of native memory");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      long woken =
          (long)
              FUTEX.invokeExact(
                  state,
                  SYS_FUTEX,
                  word.address(),
                  FUTEX_WAKE_SHARED,
                  (long) Integer.MAX_VALUE,
                  0L,
                  0L,
                  0L);
      if (woken < 0) {
        throw new LinuxException("futex", "wake", Libc.errno(state));
      }
      return (int) woken;
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }
}
