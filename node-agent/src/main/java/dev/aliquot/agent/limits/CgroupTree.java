package dev.aliquot.agent.limits;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.agent.state.TenantRecord;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The cgroup version 2 tree, and which directory of it is a tenant's own. */
final class CgroupTree {
  private final Path root;
  private final ProcFs proc;

  CgroupTree(Path root, ProcFs proc) {
    this.root = root;
    this.proc = proc;
  }

  Path root() {
    return root;
  }

  boolean isMounted() {
    return Files.exists(root.resolve("cgroup.controllers"));
  }

  /** The agent's own directory, for a question that changes nothing. */
  Path ownDirectory() {
    return proc.cgroupV2(ownPid()).map(this::directory).orElse(root);
  }

  /** A tenant's directory, or why it has none. */
  record Place(Optional<Path> directory, String why) {}

  /**
   * Only a container has a cgroup of its own; any other command shares its starter's, and with it
   * processes that are not the tenant's.
   */
  Place place(TenantRecord tenant) {
    if (!tenant.outlivesProcesses()) {
      return none("it is not a container and shares the cgroup of whoever started it");
    }
    if (tenant.binding() != null) {
      return none("its container's cgroup is not there before the container starts");
    }
    int pid = tenant.rootPid();
    boolean lives = pid != 0 && proc.isAlive(new ProcessId(pid, tenant.rootStartTime()));
    String path = lives ? proc.cgroupV2(pid).orElse("") : "";
    if (path.isEmpty()) {
      return none("its first process is gone or has no cgroup of version 2");
    }
    if (path.startsWith("/..")) {
      return none("its cgroup is outside of the agent's cgroup namespace");
    }
    String own = proc.cgroupV2(ownPid()).orElse("/");
    if (path.equals("/") || isBelow(own, path)) {
      return none("it has no cgroup of its own");
    }
    Path directory = directory(path);
    return Files.isDirectory(directory)
        ? new Place(Optional.of(directory), "")
        : none("its cgroup directory " + directory + " is not there");
  }

  private static boolean isBelow(String path, String ancestor) {
    return path.equals(ancestor) || path.startsWith(ancestor + "/");
  }

  private Path directory(String path) {
    return root.resolve(path.substring(1)).normalize();
  }

  private static int ownPid() {
    return (int) ProcessHandle.current().pid();
  }

  private static Place none(String why) {
    return new Place(Optional.empty(), why);
  }
}
