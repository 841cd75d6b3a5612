package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.linux.Identity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A tenant whose processes know each other by other pids than the agent does, as in a container.
 */
class PidNamespaceTest extends AgentFixture {
  private static final List<String> NAMESPACE =
      List.of("unshare", "--pid", "--fork", "--mount-proc", "--kill-child");

  @BeforeEach
  void needNamespaces() throws Exception {
    assumeTrue(Identity.effectiveUserId() == 0, "a pid namespace needs root");
    List<String> probe = new ArrayList<>(NAMESPACE);
    probe.add("true");
    try {
      Process unshare = new ProcessBuilder(probe).redirectErrorStream(true).start();
      String said = new String(unshare.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assumeTrue(unshare.waitFor() == 0, "pid namespaces are forbidden here: " + said.strip());
    } catch (IOException e) {
      assumeTrue(false, "there is no unshare (util-linux)");
    }
  }

  /** A CUDA program that is the first process of a new pid namespace. */
  private Talker first(TenantGrant grant) {
    List<String> arguments = new ArrayList<>(NAMESPACE.subList(1, NAMESPACE.size()));
    arguments.add(CProgram.of("cuda_tenant").toString());
    return talk(grant.environment(), Path.of("/usr/bin/unshare"), arguments.toArray(String[]::new));
  }

  /** A CUDA program that is started later in the namespace of a process. */
  private Talker later(TenantGrant grant, int hostPid) {
    return talk(
        grant.environment(),
        Path.of("/usr/bin/nsenter"),
        "--target=" + hostPid,
        "--pid",
        "--mount",
        CProgram.of("cuda_tenant").toString());
  }

  private ProcessView process(String tenant, String tenantPid) {
    return view(tenant).processes().stream()
        .filter(process -> Integer.toString(process.tenantPid()).equals(tenantPid))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no process " + tenantPid));
  }

  private static String namespace(int pid) throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/pid")).toString();
  }

  @Test
  void theAgentKnowsHostPidsAndTheTenantItsOwn() throws Exception {
    TenantGrant grant = grant("inside", 4 * GIB);
    Talker init = first(grant);
    assertThat(init.say("init")).isEqualTo(SUCCESS);
    assertThat(init.say("pid")).isEqualTo("1");
    int hostPid = process("inside", "1").pid();
    assertThat(hostPid).isNotEqualTo(1);
    assertThat(Files.readString(Path.of("/proc/" + hostPid + "/comm")).strip())
        .isEqualTo("cuda_tenant");
    assertThat(namespace(hostPid)).isNotEqualTo(namespace(ownPid()));

    Talker second = later(grant, hostPid);
    assertThat(second.say("init")).isEqualTo(SUCCESS);
    String secondPid = second.say("pid");
    assertThat(namespace(process("inside", secondPid).pid())).isEqualTo(namespace(hostPid));
    Talker stranger = cudaReady(grant("outside", GIB));
    for (Talker each : List.of(init, second)) {
      assertThat(each.say("processes").split(" ", -1)).containsExactlyInAnyOrder("1", secondPid);
    }
    assertThat(stranger.say("processes")).isEqualTo(stranger.say("pid"));
  }

  @Test
  void whatTheyHoldIsChargedExactlyAndFreedWhenOneIsKilled() throws Exception {
    TenantGrant grant = grant("inside", 4 * GIB);
    Talker init = first(grant);
    assertThat(init.say("init")).isEqualTo(SUCCESS);
    int hostPid = process("inside", "1").pid();
    Talker second = later(grant, hostPid);
    assertThat(second.say("init")).isEqualTo(SUCCESS);
    String secondPid = second.say("pid");
    assertThat(init.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(second.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    assertThat(init.say("alloc " + GIB)).as("beyond the share").isEqualTo(OUT_OF_MEMORY);
    Eventually.soon(
        () -> {
          assertThat(view("inside").usedBytes()).isEqualTo(3 * GIB + 2 * CONTEXT);
          assertThat(view("inside").overheadBytes()).isEqualTo(2 * CONTEXT);
          assertThat(process("inside", "1").groundTruthBytes()).isEqualTo(GIB + CONTEXT);
          assertThat(device().usedBytes()).isEqualTo(3 * GIB + 2 * CONTEXT);
          assertThat(device().strangers()).isEmpty();
        });

    Process kill =
        new ProcessBuilder(
                "nsenter", "--target=" + hostPid, "--pid", "--mount", "kill", "-9", secondPid)
            .inheritIO()
            .start();
    assertThat(kill.waitFor()).isZero();
    Eventually.soon(() -> assertThat(view("inside").processes()).hasSize(1));
    assertThat(init.say("alloc " + 2 * GIB)).as("what was freed").isEqualTo(SUCCESS);
    assertThat(init.say("free")).isEqualTo(SUCCESS);

    Talker third = later(grant, hostPid);
    assertThat(third.say("init")).isEqualTo(SUCCESS);
    assertThat(third.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(view("inside").usedBytes()).isEqualTo(3 * GIB + 2 * CONTEXT));
    init.kill();
    Eventually.soon(() -> assertThat(view("inside").processes()).isEmpty());
    Eventually.soon(() -> assertThat(device().usedBytes()).isZero());
  }
}
