package dev.aliquot.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;

/** Reads /proc. A process that is gone is an empty answer, never an error. Thread-safe. */
public final class ProcFs {
  private static final Duration SECOND_LOOK = Duration.ofMillis(2);

  private final Path root;

  /**
   * @param root /proc
   */
  public ProcFs(Path root) {
    this.root = root;
  }

  /** The running system's. */
  public static ProcFs system() {
    return new ProcFs(Path.of("/proc"));
  }

  /** The process, also when it is a zombie. */
  public Optional<ProcessStat> stat(int pid) {
    return read(pid, "stat").map(line -> ProcessStat.parse(pid, line));
  }

  /**
   * Whether this very process still runs. A process whose first thread is a zombie does as long as
   * another of its threads lives: one that called pthread_exit in main, and for a moment every one
   * that calls execve from another thread than its first, as {@code aliquot run} itself does. /proc
   * cannot be read at one instant, so a zombie is believed only when it is seen twice, a moment
   * apart.
   */
  public boolean isAlive(ProcessId id) {
    Look look = look(id);
    if (look == Look.ZOMBIE) {
      LockSupport.parkNanos(SECOND_LOOK.toNanos());
      look = look(id);
    }
    return look == Look.ALIVE;
  }

  private enum Look {
    ALIVE,
    ZOMBIE,
    GONE
  }

  private Look look(ProcessId id) {
    Optional<ProcessStat> stat = stat(id.pid()).filter(found -> found.id().equals(id));
    if (stat.isEmpty()) {
      return Look.GONE;
    }
    return !stat.get().zombie() || hasLiveThread(id.pid()) ? Look.ALIVE : Look.ZOMBIE;
  }

  private boolean hasLiveThread(int pid) {
    try (var threads = Files.newDirectoryStream(root.resolve(pid + "/task"))) {
      for (Path thread : threads) {
        Path name = thread.getFileName();
        Optional<ProcessStat> stat =
            name == null
                ? Optional.empty()
                : read(pid, "task/" + name + "/stat").map(line -> ProcessStat.parse(pid, line));
        if (stat.isPresent() && !stat.get().zombie()) {
          return true;
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      return false;
    }
    return false;
  }

  /** The effective user of the process. */
  public OptionalInt uid(int pid) {
    return read(pid, "status").stream()
        .flatMap(String::lines)
        .filter(line -> line.startsWith("Uid:"))
        .mapToInt(line -> Integer.parseUnsignedInt(line.substring(4).strip().split("\\s+", -1)[1]))
        .findFirst();
  }

  /**
   * The process's cgroup (v2's, else that of the v1 devices controller), as a path below the cgroup
   * root.
   */
  public Optional<String> cgroup(int pid) {
    return read(pid, "cgroup").flatMap(ProcFs::parseCgroup);
  }

  /** The process's cgroup of version 2, as a path below where that is mounted. */
  public Optional<String> cgroupV2(int pid) {
    return read(pid, "cgroup").flatMap(ProcFs::parseSecond);
  }

  /** The command line, arguments separated by spaces; empty for kernel threads and zombies. */
  public Optional<String> commandLine(int pid) {
    return read(pid, "cmdline").map(text -> text.replace('\0', ' ').strip());
  }

  /** Children of all the process's threads; empty where the kernel does not list them. */
  public List<Integer> children(int pid) {
    List<Integer> children = new ArrayList<>();
    try (var threads = Files.newDirectoryStream(root.resolve(pid + "/task"))) {
      for (Path thread : threads) {
        for (String child : Files.readString(thread.resolve("children")).strip().split(" ", -1)) {
          if (!child.isEmpty()) {
            children.add(Integer.parseInt(child));
          }
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      return children;
    }
    return children;
  }

  static Optional<String> parseCgroup(String text) {
    Optional<String> devices =
        text.lines()
            .filter(line -> line.matches("[0-9]+:([^:]*,)?devices(,[^:]*)?:.*"))
            .map(line -> line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1))
            .findFirst();
    return devices.isPresent() ? devices : parseSecond(text);
  }

  private static Optional<String> parseSecond(String text) {
    return text.lines()
        .filter(line -> line.startsWith("0::"))
        .map(line -> line.substring(3))
        .findFirst();
  }

  private Optional<String> read(int pid, String file) {
    try {
      return Optional.of(
          new String(
              Files.readAllBytes(root.resolve(pid + "/" + file)), StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
