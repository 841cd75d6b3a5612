package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalInt;

/** User and group ids. Thread-safe. */
public final class Identity {
  private static final int GROUP_BYTES = 32;
  private static final long GROUP_GID = 16;
  private static final int MOST_BYTES = 1 << 24;
  private static final MethodHandle GETEUID =
      Libc.plain("geteuid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETEGID =
      Libc.plain("getegid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETGRNAM_R =
      Libc.plain(
          "getgrnam_r",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

  private Identity() {}

  /** The effective user of this process; 0 is root. */
  public static int effectiveUserId() {
    try {
      return (int) GETEUID.invokeExact();
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /** The effective group of this process. */
  public static int effectiveGroupId() {
    try {
      return (int) GETEGID.invokeExact();
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  /** The id of a group as the machine's name services know it; empty if there is none. */
  public static OptionalInt groupId(String name) {
    for (int bytes = 1024; bytes <= MOST_BYTES; bytes *= 4) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment group = arena.allocate(GROUP_BYTES, Long.BYTES);
        MemorySegment buffer = arena.allocate(bytes);
        MemorySegment found = arena.allocate(ADDRESS);
        int errno =
            (int)
                GETGRNAM_R.invokeExact(
                    arena.allocateFrom(name), group, buffer, (long) bytes, found);
        if (found.get(ADDRESS, 0).address() != 0) {
          return OptionalInt.of(group.get(JAVA_INT, GROUP_GID));
        }
        if (errno != Errno.ERANGE.code()) {
          // 0 and, by getgrnam(3), a handful of errors all mean that there is no such group.
          return OptionalInt.empty();
        }
      } catch (Throwable e) {
        throw Libc.unexpected(e);
      }
    }
    throw new LinuxException("getgrnam_r", name, Errno.ERANGE.code());
  }
}
