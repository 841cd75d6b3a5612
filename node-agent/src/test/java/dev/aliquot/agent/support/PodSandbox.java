package dev.aliquot.agent.support;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.linux.Identity;
import dev.aliquot.plugin.node.Injection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Starts processes as a container runtime does, as far as an agent can tell: in a control group
 * that is named as the kubelet and containerd name a container's, and in a mount namespace that has
 * what the kubelet was told to mount. Needs root.
 */
public final class PodSandbox implements AutoCloseable {
  /** Arguments: the group, how many mounts, three for each, the command. */
  private static final String ENTER =
      """
      set -e
      echo $$ > "$1"/cgroup.procs
      shift
      mount -t tmpfs none /opt
      mkdir /opt/etc
      cp -a /etc/. /opt/etc
      mount --bind /opt/etc /etc
      mount -t tmpfs none /run
      count=$1
      shift
      while [ "$count" -gt 0 ]; do
        if [ -d "$1" ]; then mkdir -p "$2"; elif [ ! -e "$2" ]; then touch "$2"; fi
        mount --bind "$1" "$2"
        [ "$3" = rw ] || mount -o remount,bind,ro "$2"
        shift 3
        count=$((count - 1))
      done
      exec "$@"
      """;

  private final Path root;

  private PodSandbox(Path root) {
    this.root = root;
  }

  /** The test is skipped where no control group can be made. */
  public static PodSandbox make() throws IOException {
    assumeTrue(Identity.effectiveUserId() == 0, "a control group and mounts need root");
    int pid = (int) ProcessHandle.current().pid();
    String own = ProcFs.system().cgroup(pid).orElse("/").substring(1);
    boolean first = Files.readString(Path.of("/proc/self/cgroup")).contains(":devices:");
    for (String hierarchy : first ? List.of("devices") : List.of("", "unified")) {
      Path place = Path.of("/sys/fs/cgroup", hierarchy).resolve(own);
      if (Files.exists(place.resolve("cgroup.procs"))) {
        try {
          return new PodSandbox(Files.createDirectory(place.resolve("aliquot-pods-" + pid)));
        } catch (IOException e) {
          assumeTrue(false, "no control group can be made in " + place + ": " + e.getMessage());
        }
      }
    }
    assumeTrue(false, "no control group of this process is mounted in /sys/fs/cgroup");
    throw new IllegalStateException();
  }

  /** The control group of a container, made if it is not there. */
  public Path group(String podUid, String containerId) throws IOException {
    return Files.createDirectories(
        root.resolve("kubepods/burstable/pod" + podUid).resolve(containerId));
  }

  /** One that is no pod's. */
  public Path otherGroup() throws IOException {
    return Files.createDirectories(root.resolve("other"));
  }

  /** Starts a program in a control group with what is injected. */
  public Talker start(Path group, Injection injection, String... command) {
    List<String> arguments =
        new ArrayList<>(
            List.of("-m", "--propagation", "private", "sh", "-c", ENTER, "sh", group.toString()));
    arguments.add(Integer.toString(injection.mounts().size()));
    for (Injection.Mount mount : injection.mounts()) {
      arguments.add(mount.hostPath());
      arguments.add(mount.containerPath());
      arguments.add(mount.readOnly() ? "ro" : "rw");
    }
    arguments.addAll(List.of(command));
    return Talker.start(
        injection.environment(), Path.of("/usr/bin/unshare"), arguments.toArray(String[]::new));
  }

  /** Ends whatever is still in the groups, and removes them. */
  @Override
  public void close() throws IOException {
    List<Path> folders;
    try (var all = Files.walk(root)) {
      folders = all.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList();
    }
    for (Path folder : folders) {
      Eventually.soon(
          () -> {
            for (String pid : Files.readAllLines(folder.resolve("cgroup.procs"))) {
              ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
            }
            Files.deleteIfExists(folder);
          });
    }
  }
}
