package dev.aliquot.agent.support;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A control group of the running system that limits the memory of what is in it. */
public final class MemoryGroup implements AutoCloseable {
  private final Path folder;
  private final Path limit;
  private final Path usage;

  private MemoryGroup(Path parent, String limit, String usage) throws IOException {
    this.folder =
        Files.createDirectory(parent.resolve("aliquot-test-" + ProcessHandle.current().pid()));
    this.limit = folder.resolve(limit);
    this.usage = folder.resolve(usage);
  }

  /** One that limits nothing yet; the test is skipped where none can be made. */
  public static MemoryGroup make() throws IOException {
    Path first = Path.of("/sys/fs/cgroup/memory");
    Path second = Path.of("/sys/fs/cgroup");
    boolean isFirst = Files.isWritable(first.resolve("memory.limit_in_bytes"));
    Path control = second.resolve("cgroup.subtree_control");
    assumeTrue(
        isFirst || (Files.isWritable(control) && Files.readString(control).contains("memory")),
        "no memory control group can be made in " + second);
    return isFirst
        ? new MemoryGroup(first, "memory.limit_in_bytes", "memory.usage_in_bytes")
        : new MemoryGroup(second, "memory.max", "memory.current");
  }

  /** What the process takes from now on counts. */
  public void add(long pid) throws IOException {
    Files.writeString(folder.resolve("cgroup.procs"), Long.toString(pid));
  }

  /** Limits it to so much more than it has taken. */
  public void leave(long bytes) throws IOException {
    long used = Long.parseLong(Files.readString(usage).strip());
    Files.writeString(limit, Long.toString(used + bytes));
  }

  /** Whoever is still in it is no longer limited. */
  @Override
  public void close() throws IOException {
    for (String pid : Files.readAllLines(folder.resolve("cgroup.procs"))) {
      Files.writeString(folder.resolveSibling("cgroup.procs"), pid);
    }
    Eventually.soon(() -> Files.delete(folder));
  }
}
