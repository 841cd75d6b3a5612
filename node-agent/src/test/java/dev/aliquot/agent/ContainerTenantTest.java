package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A tenant as it is made for a container: those in its cgroup, whoever started them. */
class ContainerTenantTest extends AgentFixture {
  private static final String REFUSED = "802";

  private Path cgroup = Path.of("");

  @BeforeEach
  void makeCgroup() throws Exception {
    assumeTrue(Identity.effectiveUserId() == 0, "a cgroup needs root");
    String own = ProcFs.system().cgroup(ownPid()).orElse("/").substring(1);
    String name = "aliquot-test-" + ownPid();
    boolean first = Files.readString(Path.of("/proc/self/cgroup")).contains(":devices:");
    for (String root : first ? List.of("devices") : List.of("", "unified")) {
      Path place = Path.of("/sys/fs/cgroup", root).resolve(own);
      if (Files.exists(place.resolve("cgroup.procs"))) {
        try {
          cgroup = Files.createDirectory(place.resolve(name));
          Files.createDirectory(cgroup.resolve("inner"));
          break;
        } catch (IOException e) {
          assumeTrue(false, "no cgroup can be made in " + place + ": " + e.getMessage());
        }
      }
    }
    assumeTrue(cgroup.isAbsolute(), "no cgroup of this process is mounted in /sys/fs/cgroup");
    // Processes in a container reach the tenant's directory through a mount, here through this.
    Files.setPosixFilePermissions(
        options.stateDir().getParent(), PosixFilePermissions.fromString("rwx--x--x"));
  }

  @AfterEach
  void removeCgroup() throws Exception {
    if (cgroup.isAbsolute()) {
      for (Path folder : List.of(cgroup.resolve("inner"), cgroup)) {
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

  /** A program that is in this cgroup before it begins; this test's child. */
  private Talker in(Path group, Map<String, String> environment, String... command) {
    String[] arguments = new String[command.length + 4];
    arguments[0] = "-c";
    arguments[1] = "echo $$ > \"$1\"/cgroup.procs && shift && exec \"$@\"";
    arguments[2] = "sh";
    arguments[3] = group.toString();
    System.arraycopy(command, 0, arguments, 4, command.length);
    return talk(environment, Path.of("/bin/sh"), arguments);
  }

  private static String program() {
    return CProgram.of("cuda_tenant").toString();
  }

  private TenantGrant container(Talker sandbox) throws AgentException {
    return agent.createTenant(
        new TenantSpec("web", "shop", "web-1", "app", List.of("0"), 2 * GIB, null, sandbox.pid()),
        peer(ownPid()));
  }

  @Test
  void whoIsInTheCgroupIsTheTenantsWhoeverStartedItAndAsWhomever() throws Exception {
    Talker sandbox = in(cgroup, Map.of(), "cat");
    assertThat(sandbox.say("ready")).isEqualTo("ready");
    TenantGrant grant = container(sandbox);

    Talker server = in(cgroup, grant.environment(), program());
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    Talker nested =
        in(
            cgroup.resolve("inner"),
            grant.environment(),
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            program());
    assertThat(nested.say("init")).as("another user in a cgroup below").isEqualTo(SUCCESS);
    assertThat(cuda(grant).say("init")).as("outside of the cgroup").isEqualTo(REFUSED);

    assertThat(server.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(nested.say("alloc " + 514 * MIB)).as("no room beside it").isEqualTo(OUT_OF_MEMORY);
    assertThat(nested.say("alloc " + 256 * MIB)).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> {
          assertThat(view("web").usedBytes()).isEqualTo(GIB + 256 * MIB + 2 * CONTEXT);
          assertThat(view("web").processes()).hasSize(2);
          assertThat(device().strangers()).isEmpty();
        });
    assertThat(view("web"))
        .extracting("namespace", "pod", "container")
        .containsExactly("shop", "web-1", "app");
  }

  @Test
  void itStaysWhenItsProcessesEndAndGoesWhenItIsEnded() throws Exception {
    Talker sandbox = in(cgroup, Map.of(), "cat");
    assertThat(sandbox.say("ready")).isEqualTo("ready");
    TenantGrant grant = container(sandbox);
    Talker server = in(cgroup, grant.environment(), program());
    assertThat(server.say("init")).isEqualTo(SUCCESS);
    sandbox.kill();
    assertThat(server.say("alloc " + GIB)).as("its first process has ended").isEqualTo(SUCCESS);
    server.kill();
    Eventually.soon(() -> assertThat(view("web").processes()).isEmpty());
    restartAgent();
    assertThat(exists("web")).as("a container that starts its program again").isTrue();

    Talker again = in(cgroup, grant.environment(), program());
    assertThat(again.say("init")).isEqualTo(SUCCESS);
    assertThat(again.say("alloc " + GIB)).isEqualTo(SUCCESS);
    end("web");
    assertThat(again.say("alloc " + 2 * MIB)).isEqualTo(OUT_OF_MEMORY);
    again.kill();
    Eventually.soon(() -> assertThat(exists("web")).isFalse());
    assertThat(Path.of(grant.directory())).doesNotExist();
    assertThat(device().allocatedBytes()).isZero();
  }
}
