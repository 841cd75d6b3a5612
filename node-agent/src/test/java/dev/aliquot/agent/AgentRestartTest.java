package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.ProcessView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantView;
import dev.aliquot.ledger.Priority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The agent goes and comes back while tenants hold memory. */
class AgentRestartTest extends AgentFixture {
  @Test
  void accountingIsExactAfterARestartAndNoTenantNotices() throws Exception {
    TenantGrant grant = grant("lasting", 4 * GIB);
    Talker first = cudaReady(grant);
    Talker second = cudaReady(grant);
    first.say("alloc " + GIB);
    second.say("alloc " + 512 * MIB);
    Object inode = Files.getAttribute(Path.of(grant.directory(), "control"), "unix:ino");
    agent.close();
    assertThat(first.say("alloc " + 16 * MIB))
        .as("within its credit, without an agent")
        .isIn(SUCCESS, OUT_OF_MEMORY);
    assertThat(first.say("info")).endsWith(" " + 4 * GIB);
    agent = Agent.start(options, InstantSource.system());
    Eventually.shown(
        "exact after a restart", Duration.ofSeconds(5), () -> assertExact("lasting", 2 * CONTEXT));
    assertThat(Files.getAttribute(Path.of(grant.directory(), "control"), "unix:ino"))
        .isEqualTo(inode);
    assertThat(second.say("alloc " + 5 * GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(second.say("alloc " + 1500 * MIB)).isEqualTo(SUCCESS);
    assertThat(first.say("alloc " + 600 * MIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(cudaReady(grant).say("devices")).isEqualTo("1");
  }

  @Test
  void whatDiedWhileTheAgentWasAwayIsTakenBack() throws Exception {
    TenantGrant grant = grant("halved", 4 * GIB);
    Talker victim = cudaReady(grant);
    Talker survivor = cudaReady(grant);
    victim.say("alloc " + 2 * GIB);
    agent.close();
    victim.kill();
    agent = Agent.start(options, InstantSource.system());
    Eventually.soon(() -> assertExact("halved", CONTEXT));
    assertThat(view("halved").processes())
        .extracting(ProcessView::pid)
        .containsExactly(survivor.pid());
    assertThat(survivor.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aTenantKeepsItsPriority() throws Exception {
    agent.createTenant(spec("urgent", GIB, 0).withPriority(Priority.HIGH), peer(ownPid()));
    assertThat(view("urgent").priority()).isEqualTo("high");
    restartAgent();
    assertThat(view("urgent").priority()).isEqualTo("high");
  }

  @Test
  void aTenantThatEndedWhileTheAgentWasAwayIsGone() throws Exception {
    Talker root = talk(Map.of(), Path.of("/bin/cat"));
    TenantGrant grant = agent.createTenant(spec("short", GIB, root.pid()), peer(root.pid()));
    grant("long", GIB);
    agent.close();
    root.kill();
    agent = Agent.start(options, InstantSource.system());
    assertThat(exists("short")).isFalse();
    assertThat(Path.of(grant.directory())).doesNotExist();
    assertThat(exists("long")).isTrue();
    assertThat(device().allocatedBytes()).isEqualTo(GIB);
  }

  @Test
  void anAgentKilledWithNineIsCarriedOnFrom() throws Exception {
    agent.close();
    Talker killed =
        talk(
            Map.of(),
            Path.of(System.getProperty("java.home"), "bin", "java"),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            AgentProcess.class.getName(),
            options.stateDir().toString(),
            String.valueOf(options.libraryDir()),
            String.valueOf(options.simulate()),
            Integer.toString(ownPid()));
    List<String> environment = List.of(killed.answer().split(" "));
    TenantGrant grant =
        new TenantGrant(
            environment.get(0),
            "forked",
            environment.get(1),
            List.of(),
            0,
            Map.of(
                "LD_PRELOAD", environment.get(2),
                "ALIQUOT_TENANT_DIR", environment.get(1),
                "ALIQUOT_SIM_DIR", options.stateDir().resolve("node").toString()));
    Talker tenant = cudaReady(grant);
    assertThat(tenant.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThatThrownBy(() -> Agent.start(options, InstantSource.system()))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("another agent (pid " + killed.pid() + ")");
    killed.kill();
    assertThat(tenant.say("alloc " + 256 * MIB))
        .as("all of the share was granted ahead")
        .isEqualTo(SUCCESS);
    agent = Agent.start(options, InstantSource.system());
    Eventually.shown(
        "exact after a kill of the agent",
        Duration.ofSeconds(5),
        () -> assertExact("forked", CONTEXT));
    assertThat(view("forked").reportedBytes()).isEqualTo(GIB + 256 * MIB);
    assertThat(tenant.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
  }

  @Test
  void aDamagedRecordCostsOnlyItsOwnTenant() throws Exception {
    TenantGrant bad = grant("bad", GIB);
    Talker good = cudaReady(grant("good", GIB));
    agent.close();
    Files.writeString(options.stateDir().resolve("registry/" + bad.id() + ".json"), "{\"id\": 7");
    Files.writeString(options.stateDir().resolve("registry/x.json"), "{}");
    agent = Agent.start(options, InstantSource.system());
    Eventually.soon(() -> assertExact("good", CONTEXT));
    assertThat(good.say("alloc " + 512 * MIB)).isEqualTo(SUCCESS);
  }

  private void assertExact(String name, long overheadBytes) {
    TenantView tenant = view(name);
    assertThat(tenant.overheadBytes()).isEqualTo(overheadBytes);
    assertThat(tenant.usedBytes())
        .isEqualTo(tenant.groundTruthBytes())
        .isEqualTo(device().usedBytes());
    assertThat(tenant.creditBytes() + tenant.overheadBytes())
        .isLessThanOrEqualTo(tenant.limitBytes());
  }
}
