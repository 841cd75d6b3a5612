package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Replaces this process by another program. */
public final class Exec {
  private static final int SIGNAL_SET_BYTES = 128;
  private static final int SIG_UNBLOCK = 1;
  private static final int SIGQUIT = 3;
  private static final String DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";
  private static final MethodHandle EXECVE =
      Libc.withErrno("execve", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle SIGPROCMASK =
      Libc.plain("pthread_sigmask", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

  private Exec() {}

  /**
   * Finds a command as a shell does: a name with a slash is a path, any other is looked for in the
   * folders of PATH.
   *
   * @param path the variable's value, or null for the usual folders
   */
  public static Optional<Path> find(String command, @Nullable String path) {
    if (command.isEmpty()) {
      return Optional.empty();
    }
    if (command.indexOf('/') >= 0) {
      return Optional.of(Path.of(command));
    }
    for (String folder : (path == null ? DEFAULT_PATH : path).split(File.pathSeparator, -1)) {
      Path candidate = Path.of(folder.isEmpty() ? "." : folder).resolve(command);
      if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
        return Optional.of(candidate.toAbsolutePath());
      }
    }
    return Optional.empty();
  }

  /**
   * Replaces this JVM by a program in the same process: same pid, terminal, working folder and open
   * descriptors, but for the files of the JVM itself; close what you opened. Nothing of the JVM
   * runs afterwards, no shutdown hook and no finally block: flush before. The calling thread's
   * signal mask is first set back to what the JVM changed in it (SIGQUIT).
   *
   * @param arguments the program's, its own name first
   * @return never
   * @throws LinuxException if the program cannot be started; this process then goes on as before
   */
  public static Error replace(
      Path program, List<String> arguments, Map<String, String> environment) {
    if (arguments.isEmpty()) {
      throw new IllegalArgumentException("a program needs at least its name as argument");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = arena.allocateFrom(program.toString());
      MemorySegment argv = strings(arena, arguments);
      MemorySegment envp =
          strings(
              arena,
              environment.entrySet().stream()
                  .map(entry -> entry.getKey() + "=" + entry.getValue())
                  .toList());
      MemorySegment state = Libc.state(arena);
      // sigset_t: bit n - 1 is signal n.
      MemorySegment quit = arena.allocate(SIGNAL_SET_BYTES, Long.BYTES);
      quit.set(JAVA_INT, 0, 1 << (SIGQUIT - 1));
      MemorySegment before = arena.allocate(SIGNAL_SET_BYTES, Long.BYTES);
      int _ = (int) SIGPROCMASK.invokeExact(SIG_UNBLOCK, quit, before);
      JvmDescriptors.closeOnExec();
      int _ = (int) EXECVE.invokeExact(state, file, argv, envp);
      int errno = Libc.errno(state);
      restoreMask(before);
      throw new LinuxException("execve", program.toString(), errno);
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }

  private static void restoreMask(MemorySegment mask) throws Throwable {
    int setMask = 2;
    int _ = (int) SIGPROCMASK.invokeExact(setMask, mask, MemorySegment.NULL);
  }

  private static MemorySegment strings(Arena arena, List<String> values) {
    MemorySegment array = arena.allocate(ADDRESS, values.size() + 1L);
    for (int i = 0; i < values.size(); i++) {
      array.setAtIndex(ADDRESS, i, arena.allocateFrom(values.get(i)));
    }
    array.setAtIndex(ADDRESS, values.size(), MemorySegment.NULL);
    return array;
  }
}
