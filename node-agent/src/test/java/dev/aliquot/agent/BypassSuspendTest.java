package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.cuda.CudaCheckpoint;
import dev.aliquot.cuda.CudaDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Suspending by the driver's lock. One process can hold few of the simulator's CUDA libraries, so
 * all tests here share one node and with it one library.
 */
class BypassSuspendTest extends BypassFixture {
  private static final Duration SOON = Duration.ofSeconds(8);
  private static Path shared;

  @BeforeAll
  static void makeShared() throws IOException {
    shared = Files.createTempDirectory("alq");
  }

  @AfterAll
  static void removeShared() throws IOException {
    try (var files = Files.walk(shared)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  @Override
  Path makeDirectory() {
    return shared;
  }

  @Override
  void removeDirectory(Path directory) {}

  @AfterEach
  void endTenants() throws AgentException {
    for (var tenant : agent.view().tenants()) {
      agent.endTenant(tenant.id(), AgentFixture.peer(AgentFixture.ownPid()));
    }
    endProcesses();
    Eventually.soon(() -> assertThat(agent.view().tenants()).isEmpty());
  }

  private static CudaCheckpoint.State state(TenantGrant grant, Talker program) {
    return CudaDriver.open(driver(grant)).checkpoint().orElseThrow().state(program.pid());
  }

  private List<String> what(Talker program) {
    return agent.view().events().stream()
        .filter(event -> event.pid() == program.pid())
        .map(EventView::what)
        .toList();
  }

  private void isSuspended(String tenant, Talker program) {
    Eventually.soon(
        () ->
            assertThat(bypasses(tenant))
                .extracting(BypassView::pid, BypassView::action)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(program.pid(), "suspended")));
  }

  @Test
  void suspendLocksTheProcessAloneAndTheAgentsEndUnlocksIt() throws Exception {
    restart(BypassPolicy.SUSPEND, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker honest = cudaReady(grant);
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    isSuspended("a", program);
    assertThat(state(grant, program)).isEqualTo(CudaCheckpoint.State.LOCKED);
    assertThat(state(grant, honest)).isEqualTo(CudaCheckpoint.State.RUNNING);
    assertThat(honest.say("alloc " + GIB)).isEqualTo(SUCCESS);
    program.tell("alloc " + GIB);
    agent.close();
    assertThat(state(grant, program)).isEqualTo(CudaCheckpoint.State.RUNNING);
    assertThat(program.answer()).isEqualTo(SUCCESS);
    restart(BypassPolicy.REPORT, BypassPolicy.REPORT);
  }

  @Test
  void aStaticallyLinkedProgramIsSuspended() throws Exception {
    restart(BypassPolicy.SUSPEND, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker program = statically(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    isSuspended("a", program);
    assertThat(state(grant, program)).isEqualTo(CudaCheckpoint.State.LOCKED);
    program.tell("alloc " + GIB);
    agent.close();
    assertThat(program.answer()).as("the agent's end lets it go on").isEqualTo(SUCCESS);
    restart(BypassPolicy.REPORT, BypassPolicy.REPORT);
  }

  @Test
  void whoReportsAgainGoesOn() throws Exception {
    restart(BypassPolicy.SUSPEND, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker liar = cudaReady(grant);
    assertThat(liar.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    Talker scribbler = raw(grant);
    scribbler.say("as 0 0");
    scribbler.say("use 0 0");
    isSuspended("a", liar);
    scribbler.say("use 0 " + 3 * GIB);
    Eventually.soon(() -> assertThat(what(liar)).containsExactly("suspended", "released"));
    assertThat(bypasses("a")).isEmpty();
    assertThat(liar.say("free")).isEqualTo(SUCCESS);
  }

  @Test
  void anAgentThatWasKilledLeavesNobodySuspended() throws Exception {
    restart(BypassPolicy.SUSPEND, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    isSuspended("a", program);
    byte[] left = Files.readAllBytes(options.stateDir().resolve("suspended"));
    agent.close();
    CudaDriver.open(driver(grant)).checkpoint().orElseThrow().lock(program.pid(), SOON);
    Files.write(options.stateDir().resolve("suspended"), left);
    restart(BypassPolicy.REPORT, BypassPolicy.REPORT);
    Eventually.soon(
        () -> assertThat(state(grant, program)).isEqualTo(CudaCheckpoint.State.RUNNING));
  }

  @Test
  void strangersHaveAPolicyOfTheirOwn() throws Exception {
    restart(BypassPolicy.STOP, BypassPolicy.SUSPEND);
    Talker elsewhere = talk(Map.of(), Path.of("/bin/cat"));
    TenantGrant grant =
        agent.createTenant(spec("other", GIB, elsewhere.pid()), peer(elsewhere.pid()));
    Talker stranger = bare(grant);
    assertThat(stranger.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(what(stranger)).containsExactly("suspended"));
    assertThat(state(grant, stranger)).isEqualTo(CudaCheckpoint.State.LOCKED);
    assertThat(stranger.isAlive()).isTrue();
  }
}
