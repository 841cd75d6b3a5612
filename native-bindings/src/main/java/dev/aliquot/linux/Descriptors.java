package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.BitSet;

/** Raw file descriptors: waiting for them, copying and closing them. Thread-safe. */
public final class Descriptors {
  private static final StructLayout POLLFD =
      MemoryLayout.structLayout(
          JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT.withName("revents"));
  private static final long EVENTS = 4;
  private static final long REVENTS = 6;
  private static final short POLLIN = 1;

  private static final MethodHandle POLL =
      Libc.withErrno("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle CLOSE = Libc.withErrno("close", Libc.ints(1));

  private static final MethodHandle FCNTL = Libc.variadic("fcntl", Libc.ints(3), 2);
  private static final MethodHandle STATX =
      Libc.withErrno(
          "statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));

  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int F_GET_SEALS = 1034;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int AT_STATX_DONT_SYNC = 0x4000;
  private static final int STATX_TYPE = 1;
  private static final long STATX_BYTES = 256;
  private static final long STATX_MODE = 28;
  private static final int S_IFMT = 0170000;
  private static final int S_IFCHR = 0020000;

  private Descriptors() {}

  /**
   * Another descriptor of the same file, the caller's to close; a program that is run has it not.
   */
  public static int duplicate(int descriptor) {
    return Libc.intCall(FCNTL, "fcntl", descriptor, F_DUPFD_CLOEXEC, 0);
  }

  /**
   * Whether it is memory without a file, or a character device: what drivers pass memory on by.
   * Other files can have whoever closes them wait, for as long as their owner likes. Never waits.
   */
  public static boolean isMemoryOrDevice(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      if ((int) FCNTL.invokeExact(state, descriptor, F_GET_SEALS, 0) >= 0) {
        return true;
      }
      MemorySegment facts = arena.allocate(STATX_BYTES, Long.BYTES);
      int result =
          (int)
              STATX.invokeExact(
                  state,
                  descriptor,
                  arena.allocateFrom(""),
                  AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                  STATX_TYPE,
                  facts);
      return result == 0 && (facts.get(JAVA_SHORT, STATX_MODE) & S_IFMT) == S_IFCHR;
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /**
   * Waits until one of the descriptors is readable, at its end, or in error. A pidfd is readable
   * when its process is gone.
   *
   * @param timeout a negative one waits for ever; rounded up to milliseconds
   * @return the positions in {@code descriptors} that are ready; empty after the time-out
   */
  public static BitSet awaitReadable(Duration timeout, int... descriptors) {
    boolean forEver = timeout.isNegative();
    long deadline = System.nanoTime() + (forEver ? 0 : saturatedNanos(timeout));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fds = arena.allocate(POLLFD, Math.max(descriptors.length, 1));
      for (int i = 0; i < descriptors.length; i++) {
        fds.set(JAVA_INT, i * POLLFD.byteSize(), descriptors[i]);
        fds.set(JAVA_SHORT, i * POLLFD.byteSize() + EVENTS, POLLIN);
      }
      MemorySegment state = Libc.state(arena);
      while (true) {
        int millis = forEver ? -1 : millisUntil(deadline);
        int count = (int) POLL.invokeExact(state, fds, (long) descriptors.length, millis);
        if (count >= 0) {
          return ready(fds, descriptors.length);
        }
        if (Libc.errno(state) != Errno.EINTR.code()) {
          throw new LinuxException("poll", descriptors.length + " fds", Libc.errno(state));
        }
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /** Closes a descriptor that this process owns. */
  public static void close(int descriptor) {
    Libc.intCall(CLOSE, "close", descriptor);
  }

  private static BitSet ready(MemorySegment fds, int length) {
    BitSet ready = new BitSet(length);
    for (int i = 0; i < length; i++) {
      if (fds.get(JAVA_SHORT, i * POLLFD.byteSize() + REVENTS) != 0) {
        ready.set(i);
      }
    }
    return ready;
  }

  private static long saturatedNanos(Duration duration) {
    return duration.compareTo(Duration.ofDays(365)) > 0
        ? Duration.ofDays(365).toNanos()
        : duration.toNanos();
  }

  private static int millisUntil(long deadline) {
    long nanos = deadline - System.nanoTime();
    return nanos <= 0 ? 0 : (int) Math.min((nanos + 999_999) / 1_000_000, Integer.MAX_VALUE);
  }
}
