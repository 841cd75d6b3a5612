package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A counter that makes its descriptor readable while it is not zero: wakes a thread in {@link
 * Descriptors#awaitReadable}. Not inherited by programs. Thread-safe.
 */
public final class EventFd implements AutoCloseable {
  private static final int EFD_NONBLOCK = 0x800;
  private static final int EFD_CLOEXEC = 0x80000;
  private static final MethodHandle EVENTFD = Libc.withErrno("eventfd", Libc.ints(2));
  private static final MethodHandle READ =
      Libc.withErrno("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle WRITE =
      Libc.withErrno("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

  private final int descriptor;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EventFd(int descriptor) {
    this.descriptor = descriptor;
  }

  public static EventFd open() {
    return new EventFd(Libc.intCall(EVENTFD, "eventfd", 0, EFD_NONBLOCK | EFD_CLOEXEC));
  }

  /** For {@link Descriptors#awaitReadable}; closed with this object. */
  public int descriptor() {
    return descriptor;
  }

  /** Adds one; a full counter is left full. */
  public void signal() {
    transfer(WRITE, "write", 1);
  }

  /** Takes the counter to zero and returns what it was. */
  public long drain() {
    return transfer(READ, "read", 0);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Descriptors.close(descriptor);
    }
  }

  private long transfer(MethodHandle handle, String call, long value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment counter = arena.allocate(JAVA_LONG);
      MemorySegment state = Libc.state(arena);
      counter.set(JAVA_LONG, 0, value);
      while (true) {
        long bytes = (long) handle.invokeExact(state, descriptor, counter, Long.BYTES + 0L);
        if (bytes == Long.BYTES) {
          return counter.get(JAVA_LONG, 0);
        }
        int errno = Libc.errno(state);
        if (errno == Errno.EAGAIN.code()) {
          return 0;
        }
        if (errno != Errno.EINTR.code()) {
          throw new LinuxException(call, "eventfd " + descriptor, errno);
        }
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }
}
