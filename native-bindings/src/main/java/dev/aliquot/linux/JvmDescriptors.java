package dev.aliquot.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/**
 * Descriptors that the JVM opened for itself and leaves open across execve: its own files, its
 * class path, its event queues. Others may have been inherited on purpose and are left alone.
 */
final class JvmDescriptors {
  private static final int F_SETFD = 2;
  private static final int FD_CLOEXEC = 1;
  private static final int LAST_STANDARD_STREAM = 2;
  private static final Set<String> EVENT_QUEUES =
      Set.of("anon_inode:[eventpoll]", "anon_inode:[eventfd]");
  private static final MethodHandle FCNTL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("fcntl"),
              FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
              Linker.Option.firstVariadicArg(2),
              Linker.Option.captureCallState("errno"));

  private JvmDescriptors() {}

  /** Has them closed by the next execve; without /proc it does nothing. */
  static void closeOnExec() {
    String javaHome = System.getProperty("java.home") + File.separator;
    Set<String> classPath =
        Set.copyOf(
            Arrays.asList(System.getProperty("java.class.path", "").split(File.pathSeparator, -1)));
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path link : open) {
        int descriptor = Integer.parseInt(link.getFileName().toString());
        if (descriptor > LAST_STANDARD_STREAM) {
          String target = target(link);
          if (target.startsWith(javaHome)
              || isOfClassPath(target, classPath)
              || EVENT_QUEUES.contains(target)) {
            mark(descriptor);
          }
        }
      }
    } catch (IOException e) {
      // No /proc: the program inherits a few files that it does not know of.
    }
  }

  /** On the class path, or beside what is: a jar's manifest names more of them. */
  private static boolean isOfClassPath(String target, Set<String> classPath) {
    return classPath.contains(target)
        || (target.endsWith(".jar")
            && classPath.stream()
                .filter(entry -> entry.endsWith(".jar"))
                .anyMatch(entry -> isBelow(target, entry.lastIndexOf('/'), entry)));
  }

  private static boolean isBelow(String target, int folderEnd, String entry) {
    return folderEnd >= 0 && target.startsWith(entry.substring(0, folderEnd + 1));
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      // Closed in the meantime.
      return "";
    }
  }

  private static void mark(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = Libc.state(arena);
      if ((int) FCNTL.invokeExact(state, descriptor, F_SETFD, FD_CLOEXEC) < 0
          && Libc.errno(state) != Errno.EBADF.code()) {
        throw new LinuxException("fcntl", descriptor + ", F_SETFD", Libc.errno(state));
      }
    } catch (Throwable e) {
      throw Libc.unexpected(e);
    }
  }
}
