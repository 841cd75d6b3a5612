package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A device opened for reading, as read(2) has it: one call is one read, nothing is kept between two
 * of them, and no call waits. Not inherited by programs. Wait with {@link
 * Descriptors#awaitReadable}. For one thread at a time.
 */
public final class DeviceFile implements AutoCloseable {
  private static final int O_RDONLY = 0;
  private static final int O_NOCTTY = 0x100;
  private static final int O_NONBLOCK = 0x800;
  private static final int O_CLOEXEC = 0x80000;
  private static final int SEEK_SET = 0;
  private static final MethodHandle OPEN =
      Libc.variadic("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), 2);
  private static final MethodHandle READ =
      Libc.withErrno("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle LSEEK =
      Libc.withErrno("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));

  private final Path path;
  private final int descriptor;
  private final AtomicBoolean closed = new AtomicBoolean();

  private DeviceFile(Path path, int descriptor) {
    this.path = path;
    this.descriptor = descriptor;
  }

  /**
   * Opens it.
   *
   * @throws LinuxException such as {@link Errno#ENOENT}, {@link Errno#EACCES}, {@link Errno#EPERM}
   */
  public static DeviceFile open(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      MemorySegment name = arena.allocateFrom(path.toString());
      int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
      while (true) {
        int descriptor = (int) OPEN.invokeExact(state, name, flags, 0);
        if (descriptor >= 0) {
          return new DeviceFile(path, descriptor);
        }
        if (Libc.errno(state) != Errno.EINTR.code()) {
          throw new LinuxException("open", path.toString(), Libc.errno(state));
        }
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /** For {@link Descriptors#awaitReadable}; closed with this object. */
  public int descriptor() {
    return descriptor;
  }

  /**
   * Reads once.
   *
   * @param into native memory
   * @return how many bytes came, 0 at the end; empty if there is nothing to be had now
   */
  public OptionalInt read(MemorySegment into) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      while (true) {
        long bytes = (long) READ.invokeExact(state, descriptor, into, into.byteSize());
        if (bytes >= 0) {
          return OptionalInt.of((int) bytes);
        }
        int errno = Libc.errno(state);
        if (errno == Errno.EAGAIN.code()) {
          return OptionalInt.empty();
        }
        if (errno != Errno.EINTR.code()) {
          throw new LinuxException("read", path.toString(), errno);
        }
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /** The next read starts at the beginning. */
  public void rewind() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      long position = (long) LSEEK.invokeExact(state, descriptor, 0L, SEEK_SET);
      if (position < 0) {
        throw new LinuxException("lseek", path.toString(), Libc.errno(state));
      }
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
