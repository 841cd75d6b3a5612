package dev.aliquot.agent.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How much more host memory a process can hold before the kernel kills for it: the least of what
 * its memory control groups and the machine have left. What can be dropped without being written
 * counts as left, page cache that is in use does not. Of control groups version 1, if its memory
 * controller is in use, else 2 (kernel: admin-guide/cgroup-v1/memory, admin-guide/cgroup-v2).
 * Thread-safe; looks anew each time.
 */
public final class MemoryRoom {
  private static final String FIRST_LIMIT = "memory.limit_in_bytes";
  private static final String SECOND_LIMIT = "memory.max";

  private final ProcFs proc;
  private final Path procRoot;
  private final Path cgroupRoot;

  /**
   * @param procRoot /proc, for the machine's memory
   * @param cgroupRoot where control groups are mounted, such as /sys/fs/cgroup
   */
  public MemoryRoom(Path procRoot, Path cgroupRoot) {
    this.proc = new ProcFs(procRoot);
    this.procRoot = procRoot;
    this.cgroupRoot = cgroupRoot;
  }

  /**
   * Bytes, never negative; empty where that cannot be seen: the process is gone, or its groups are
   * not below the root.
   */
  public OptionalLong bytes(int pid) {
    try {
      Optional<String> first = proc.cgroupOf(pid, "memory");
      OptionalLong groups =
          first.isPresent()
              ? groups(cgroupRoot.resolve("memory"), first.get(), FIRST_LIMIT)
              : second(pid);
      return groups.isEmpty()
          ? groups
          : OptionalLong.of(Math.max(0, Math.min(groups.getAsLong(), machine())));
    } catch (IOException | IllegalArgumentException e) {
      return OptionalLong.empty();
    }
  }

  private OptionalLong second(int pid) throws IOException {
    Optional<String> path = proc.cgroupV2(pid);
    return path.isPresent() ? groups(cgroupRoot, path.get(), SECOND_LIMIT) : OptionalLong.empty();
  }

  /** The least of a group's and of those that it is in. */
  private static OptionalLong groups(Path root, String path, String limit) throws IOException {
    Path group = root.resolve(path.substring(1)).normalize();
    if (!group.startsWith(root) || !Files.isDirectory(group)) {
      return OptionalLong.empty();
    }
    long room = Long.MAX_VALUE;
    for (Path at = group; at != null && at.startsWith(root); at = at.getParent()) {
      // the root of version 2 has no limit, nor has a group without the controller
      if (Files.exists(at.resolve(limit))) {
        room = Math.min(room, group(at, limit));
      }
    }
    return OptionalLong.of(room);
  }

  private static long group(Path group, String limit) throws IOException {
    boolean first = limit.equals(FIRST_LIMIT);
    String most = Files.readString(group.resolve(limit)).strip();
    if (most.equals("max")) {
      return Long.MAX_VALUE;
    }
    String usage = first ? "memory.usage_in_bytes" : "memory.current";
    String idle = first ? "total_inactive_file" : "inactive_file";
    long used = Long.parseLong(Files.readString(group.resolve(usage)).strip());
    long idleBytes = number(group.resolve("memory.stat"), idle + " ", 1);
    return Long.parseLong(most) - Math.max(0, used - idleBytes);
  }

  private long machine() throws IOException {
    return number(procRoot.resolve("meminfo"), "MemAvailable:", 1024);
  }

  /** The number on the line that begins so; 0: there is no such line. */
  private static long number(Path file, String begin, long unitBytes) throws IOException {
    return Files.readString(file)
            .lines()
            .filter(line -> line.startsWith(begin))
            .map(line -> line.substring(begin.length()).strip().split(" ", -1)[0])
            .mapToLong(Long::parseLong)
            .findFirst()
            .orElse(0)
        * unitBytes;
  }
}
