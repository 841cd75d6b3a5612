package dev.aliquot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A descriptor of one process: unlike its pid it never comes to mean another. Readable (see {@link
 * Descriptors#awaitReadable}) once the process is gone. Thread-safe; close it when no one waits.
 */
public final class PidFd implements AutoCloseable {
  private static final long SYS_PIDFD_SEND_SIGNAL = 424;
  private static final long SYS_PIDFD_OPEN = 434;
  private static final long SYS_PIDFD_GETFD = 438;
  private static final MethodHandle OPEN = Libc.syscall(2);
  private static final MethodHandle SEND = Libc.syscall(4);
  private static final MethodHandle GET = Libc.syscall(3);

  private final long pid;
  private final int descriptor;
  private final AtomicBoolean closed = new AtomicBoolean();

  private PidFd(long pid, int descriptor) {
    this.pid = pid;
    this.descriptor = descriptor;
  }

  /**
   * Opens a process of any user.
   *
   * @throws LinuxException {@link Errno#ESRCH} if there is no such process; {@link Errno#EINVAL} if
   *     the id is a thread's
   */
  public static PidFd open(long pid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      long descriptor = (long) OPEN.invokeExact(state, SYS_PIDFD_OPEN, pid, 0L);
      if (descriptor < 0) {
        throw new LinuxException("pidfd_open", "pid " + pid, Libc.errno(state));
      }
      return new PidFd(pid, (int) descriptor);
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  public long pid() {
    return pid;
  }

  /** For {@link Descriptors#awaitReadable}; closed with this object. */
  public int descriptor() {
    return descriptor;
  }

  /** Whether the process is gone within the time-out. */
  public boolean awaitExit(Duration timeout) {
    return !Descriptors.awaitReadable(timeout, descriptor).isEmpty();
  }

  public boolean isAlive() {
    return !awaitExit(Duration.ZERO);
  }

  /**
   * Sends a signal to this very process.
   *
   * @return false if it is gone
   * @throws LinuxException {@link Errno#EPERM} if it is another user's
   */
  public boolean signal(Signal signal) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      long result =
          (long)
              SEND.invokeExact(
                  state, SYS_PIDFD_SEND_SIGNAL, (long) descriptor, (long) signal.number(), 0L, 0L);
      if (result == 0) {
        return true;
      }
      if (Libc.errno(state) == Errno.ESRCH.code()) {
        return false;
      }
      throw new LinuxException(
          "pidfd_send_signal", "pid " + pid + ", " + signal, Libc.errno(state));
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /**
   * Another descriptor of a file that the process has open, the caller's to close; a program that
   * is run has it not.
   *
   * @param number the process's own, as it says it: any number
   * @throws LinuxException {@link Errno#EBADF} if it has none of that number; {@link Errno#EPERM}
   *     if the process may not be looked into; {@link Errno#ESRCH} if it is gone
   */
  public int takeDescriptor(int number) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      long taken =
          (long) GET.invokeExact(state, SYS_PIDFD_GETFD, (long) descriptor, (long) number, 0L);
      if (taken < 0) {
        throw new LinuxException("pidfd_getfd", "pid " + pid + ", " + number, Libc.errno(state));
      }
      return (int) taken;
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Descriptors.close(descriptor);
    }
  }
}
