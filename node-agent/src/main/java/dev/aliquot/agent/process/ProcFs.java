package dev.aliquot.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Reads /proc. A process that is gone is an empty answer, never an error. Thread-safe. */
public final class ProcFs {
  private static final Duration SECOND_LOOK = Duration.ofMillis(2);

  /** How often is looked where the kernel does not say whether there is such a process. */
  private static final int MOST_LOOKS = 5;

  /** Its number never changes: include/linux/proc_ns.h. */
  private static final String FIRST_PID_NAMESPACE = "pid:[4026531836]";

  /** Of a process's start time: USER_HZ is 100 on every Linux that has CUDA. */
  private static final long MILLIS_PER_TICK = 10;

  /** ESRCH, as the class library tells it. */
  private static final String NO_SUCH_PROCESS = "No such process";

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
   * apart. Where /proc cannot be read at all, it runs for all that is known.
   */
  public boolean isAlive(ProcessId id) {
    Look look = look(id);
    for (int i = 1; i < MOST_LOOKS && look == Look.UNKNOWN; i++) {
      pause();
      look = look(id);
    }
    if (look == Look.ZOMBIE) {
      pause();
      look = look(id);
    }
    return look == Look.ALIVE || look == Look.UNKNOWN;
  }

  private enum Look {
    ALIVE,
    ZOMBIE,
    GONE,
    UNKNOWN
  }

  private Look look(ProcessId id) {
    try {
      ProcessStat stat = ProcessStat.parse(id.pid(), content(id.pid(), "stat"));
      if (!stat.id().equals(id)) {
        return Look.GONE;
      }
      return !stat.zombie() || hasLiveThread(id.pid()) ? Look.ALIVE : Look.ZOMBIE;
    } catch (IOException e) {
      return isGone(e) ? Look.GONE : Look.UNKNOWN;
    }
  }

  private static boolean isGone(IOException e) {
    return e instanceof NoSuchFileException
        || String.valueOf(e.getMessage()).contains(NO_SUCH_PROCESS);
  }

  private static void pause() {
    LockSupport.parkNanos(SECOND_LOOK.toNanos());
  }

  private boolean hasLiveThread(int pid) throws IOException {
    try (var threads = Files.newDirectoryStream(root.resolve(pid + "/task"))) {
      for (Path thread : threads) {
        if (isLive(pid, thread.getFileName())) {
          return true;
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return false;
  }

  private boolean isLive(int pid, @Nullable Path thread) throws IOException {
    try {
      return thread != null
          && !ProcessStat.parse(pid, content(pid, "task/" + thread + "/stat")).zombie();
    } catch (IOException e) {
      if (isGone(e)) {
        return false;
      }
      throw e;
    }
  }

  /**
   * What the kernel calls the file behind a descriptor of the process; empty where it has none of
   * that number.
   */
  public Optional<String> file(int pid, int descriptor) {
    try {
      return Optional.of(
          Files.readSymbolicLink(root.resolve(pid + "/fd/" + Integer.toUnsignedString(descriptor)))
              .toString());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Whether this process sees all others, by the numbers that the kernel itself uses. */
  public boolean isInFirstPidNamespace() {
    try {
      return Files.readSymbolicLink(root.resolve("self/ns/pid"))
          .toString()
          .equals(FIRST_PID_NAMESPACE);
    } catch (IOException e) {
      return false;
    }
  }

  /** Since the process was started. */
  public Optional<Duration> age(int pid) {
    return stat(pid)
        .flatMap(
            process ->
                uptime()
                    .map(up -> up.minusMillis(process.id().startTime() * MILLIS_PER_TICK))
                    .map(age -> age.isNegative() ? Duration.ZERO : age));
  }

  private Optional<Duration> uptime() {
    try {
      String seconds = Files.readString(root.resolve("uptime")).split(" ", 2)[0];
      return Optional.of(Duration.ofMillis(Math.round(Double.parseDouble(seconds) * 1000)));
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
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

  /** The process's cgroup of a controller of version 1, as a path below where that is mounted. */
  public Optional<String> cgroupOf(int pid, String controller) {
    return read(pid, "cgroup").flatMap(text -> parseFirst(text, controller));
  }

  /** The process's cgroup of version 2, as a path below where that is mounted. */
  public Optional<String> cgroupV2(int pid) {
    return read(pid, "cgroup").flatMap(ProcFs::parseSecond);
  }

  /** Every process; those that begin or end meanwhile may be in it or not. */
  public List<Integer> pids() {
    List<Integer> pids = new ArrayList<>();
    try (var processes = Files.newDirectoryStream(root, "[0-9]*")) {
      processes.forEach(each -> pids.add(Integer.parseInt(each.getFileName().toString())));
    } catch (IOException | DirectoryIteratorException | NumberFormatException e) {
      return pids;
    }
    return pids;
  }

  /** Its mounts; none where it is gone. */
  public Mounts mounts(int pid) {
    return Mounts.read(root.resolve(pid + "/mountinfo"));
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
    } catch (IOException | DirectoryIteratorException e) {
      return children;
    }
    return children;
  }

  static Optional<String> parseCgroup(String text) {
    Optional<String> devices = parseFirst(text, "devices");
    return devices.isPresent() ? devices : parseSecond(text);
  }

  private static Optional<String> parseFirst(String text, String controller) {
    return text.lines()
        .filter(line -> line.matches("[0-9]+:([^:]*,)?" + controller + "(,[^:]*)?:.*"))
        .map(line -> line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1))
        .findFirst();
  }

  private static Optional<String> parseSecond(String text) {
    return text.lines()
        .filter(line -> line.startsWith("0::"))
        .map(line -> line.substring(3))
        .findFirst();
  }

  /** Empty where it is gone, or cannot be read however often. */
  private Optional<String> read(int pid, String file) {
    for (int i = 0; i < MOST_LOOKS; i++) {
      try {
        return Optional.of(content(pid, file));
      } catch (IOException e) {
        if (isGone(e)) {
          return Optional.empty();
        }
        pause();
      }
    }
    return Optional.empty();
  }

  private String content(int pid, String file) throws IOException {
    return new String(
        Files.readAllBytes(root.resolve(pid + "/" + file)), StandardCharsets.ISO_8859_1);
  }
}
