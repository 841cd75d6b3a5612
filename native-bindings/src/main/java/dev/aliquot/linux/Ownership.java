package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Changes who owns a file, by numbers that need not have names. Thread-safe. */
public final class Ownership {
  /** Leaves the user or group as it is. */
  public static final int UNCHANGED = -1;

  private static final MethodHandle LCHOWN =
      Libc.withErrno("lchown", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));

  private Ownership() {}

  /**
   * Sets the owner of a file; of the link itself where the path is a symbolic link.
   *
   * @throws LinuxException such as {@link Errno#EPERM} for all but root
   */
  public static void set(Path path, int userId, int groupId) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      int result =
          (int) LCHOWN.invokeExact(state, arena.allocateFrom(path.toString()), userId, groupId);
      if (result < 0) {
        throw new LinuxException(
            "lchown", "%s, %d, %d".formatted(path, userId, groupId), Libc.errno(state));
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }
}
