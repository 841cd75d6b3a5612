package dev.aliquot.cli.doctor;

import dev.aliquot.agent.config.MachineDefaults;
import dev.aliquot.cli.client.AgentClient;
import dev.aliquot.cli.client.CommandFailure;
import dev.aliquot.cli.program.PackedProgram;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.linux.PidFd;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The kernel, the user's rights, the state folder, the libraries that tenants load. */
final class MachineChecks {
  private static final int LONGEST_SOCKET_PATH = 107;
  private static final String LONGEST_TENANT_FILE =
      "/tenants/0123456789abcdef0123456789abcdef/agent.sock";

  private final Path stateDir;

  MachineChecks(Path stateDir) {
    this.stateDir = stateDir;
  }

  static boolean isCgroupV2() {
    return Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"));
  }

  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    findings.add(kernel());
    findings.add(cgroup());
    findings.add(user());
    findings.add(stateFolder());
    findings.add(kernelLog());
    findings.add(interposer());
    findings.add(agent());
    return findings;
  }

  private static Finding kernel() {
    String version = System.getProperty("os.version", "unknown");
    try (PidFd self = PidFd.open(ProcessHandle.current().pid())) {
      return Finding.ok("kernel", version + ", pidfd works (" + self.pid() + ")");
    } catch (NativeException e) {
      return Finding.broken(
          "kernel",
          version + ": " + e.getMessage(),
          "Aliquot needs pidfd_open: Linux 5.3 or newer, allowed by the sandbox");
    }
  }

  private static Finding cgroup() {
    return isCgroupV2()
        ? Finding.ok("cgroup", "version 2")
        : Finding.lack(
            "cgroup",
            Files.exists(Path.of("/sys/fs/cgroup")) ? "version 1" : "not mounted",
            "limits by the driver (R615) are not possible; the interposer's are. For version 2 boot"
                + " with systemd.unified_cgroup_hierarchy=1");
  }

  private static Finding user() {
    int uid = MachineDefaults.ownUid();
    return uid == 0
        ? Finding.ok("user", "root: can serve tenants of every user")
        : Finding.lack(
            "user",
            "uid " + uid,
            "an agent started by this user serves this user's programs only; start it as root to"
                + " serve others");
  }

  private static Finding kernelLog() {
    Path log = Path.of("/dev/kmsg");
    try (FileChannel _ = FileChannel.open(log)) {
      return Finding.ok("kernel log", log + " can be read");
    } catch (IOException e) {
      return Finding.lack(
          "kernel log",
          log + " cannot be read: " + e.getMessage(),
          "faults are told by NVML's events and the devices alone, which name no process. Start the"
              + " agent as root, or with CAP_SYSLOG and the device; kernel-log names another file");
    }
  }

  private Finding stateFolder() {
    if ((stateDir + LONGEST_TENANT_FILE).length() > LONGEST_SOCKET_PATH) {
      return Finding.broken(
          "state folder",
          stateDir + " is too long a path for unix sockets",
          "choose a shorter one with --state-dir");
    }
    Path existing = stateDir;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !Files.isDirectory(existing) || !Files.isWritable(existing)) {
      return Finding.broken(
          "state folder",
          stateDir + " cannot be made or written by this user",
          "choose another with --state-dir, or run as root");
    }
    return Finding.ok(
        "state folder", stateDir + (existing.equals(stateDir) ? "" : " (to be made)"));
  }

  private static Finding interposer() {
    Path folder = null;
    try {
      folder = PackedProgram.temporaryFolder("aliquot-doctor-");
      Path cuda = PackedProgram.unpack("interposer/libaliquot-cuda.so", folder);
      Path nvml = PackedProgram.unpack("interposer/libaliquot-nvml.so", folder);
      ProcessBuilder program = new ProcessBuilder("/bin/true").redirectErrorStream(true);
      program.environment().put("LD_PRELOAD", cuda + ":" + nvml);
      Process process = program.start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      int code = process.waitFor();
      return code == 0 && said.isEmpty()
          ? Finding.ok("interposer", "can be preloaded, silently")
          : Finding.broken(
              "interposer",
              "preloading it failed with code " + code + ": " + said,
              "programs of this machine need glibc 2.31 or newer for "
                  + System.getProperty("os.arch"));
    } catch (CommandFailure | IOException e) {
      return Finding.broken(
          "interposer", String.valueOf(e.getMessage()), "build again with ./aliquot build");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.broken("interposer", "interrupted", "try again");
    } finally {
      if (folder != null) {
        PackedProgram.delete(folder);
      }
    }
  }

  private Finding agent() {
    try {
      var node = new AgentClient(stateDir).node();
      return Finding.ok(
          "agent",
          "running at "
              + stateDir
              + (node.simulated() ? ", simulated" : "")
              + ", devices: "
              + node.devices().size()
              + ", tenants: "
              + node.tenants().stream().map(t -> t.id()).distinct().count());
    } catch (CommandFailure e) {
      return Finding.lack("agent", String.valueOf(e.getMessage()), "run, status and top need one");
    }
  }
}
