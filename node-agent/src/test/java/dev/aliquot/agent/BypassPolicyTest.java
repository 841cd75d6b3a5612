package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.BypassPolicy;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.EventView;
import dev.aliquot.agent.view.TenantGrant;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is done about a process that is not accounted for is what the configuration says. */
class BypassPolicyTest extends BypassFixture {

  private List<String> what(Talker program) {
    return agent.view().events().stream()
        .filter(event -> event.pid() == program.pid())
        .map(EventView::what)
        .toList();
  }

  @Test
  void reportTouchesNobody() throws Exception {
    TenantGrant grant = grant("a", 4 * GIB);
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(bypasses("a")).hasSize(1));
    long samples = agent.stats().samples();
    Eventually.soon(() -> assertThat(agent.stats().samples()).isGreaterThan(samples + 6));
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(agent.view().events()).isEmpty();
  }

  @Test
  void aDriverThatCannotSuspendLeavesItAtTheReportAndSaysWhy() throws Exception {
    options = options.withSimulate("devices=1,memory=" + 8 * GIB + ",driver=550.127.08");
    agent.close();
    try (var node = Files.walk(options.stateDir().resolve("node"))) {
      for (Path file : node.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    restart(BypassPolicy.SUSPEND, BypassPolicy.REPORT);
    Talker program = bare(grant("a", 4 * GIB));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(
        () ->
            assertThat(bypasses("a"))
                .extracting(BypassView::action)
                .containsExactly(
                    "reported, not suspended: this driver cannot suspend processes (R570 and later"
                        + " can)"));
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(what(program)).containsExactly("failed");
  }

  @Test
  void stopEndsTheProcessAloneAndTheReasonIsKept() throws Exception {
    restart(BypassPolicy.STOP, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker honest = cudaReady(grant);
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(program.isAlive()).isFalse());
    Eventually.soon(() -> assertThat(bypasses("a")).isEmpty());
    EventView event = agent.view().events().getFirst();
    assertThat(event.what()).isEqualTo("stopping");
    assertThat(event.pid()).isEqualTo(program.pid());
    assertThat(event.tenant()).isEqualTo(view("a").id());
    assertThat(event.reason())
        .contains("process " + program.pid() + " (cuda_tenant) of tenant")
        .contains("without having attached")
        .contains("SIGTERM");
    assertThat(honest.say("alloc " + GIB)).isEqualTo(SUCCESS);
    assertThat(agent.view().events()).extracting(EventView::pid).containsOnly(program.pid());
  }

  @Test
  void aStaticallyLinkedProgramIsStoppedAndNamed() throws Exception {
    restart(BypassPolicy.STOP, BypassPolicy.REPORT);
    TenantGrant grant = grant("a", 4 * GIB);
    Talker honest = cudaReady(grant);
    Talker program = statically(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(program.isAlive()).isFalse());
    assertThat(agent.view().events().getFirst().reason())
        .contains("process " + program.pid() + " (static_tenant) of tenant");
    assertThat(honest.say("alloc " + GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void anAgentThatStartsAgainTakesItsTenantsForNoStrangers() throws Exception {
    restart(BypassPolicy.STOP, BypassPolicy.STOP);
    Talker honest = cudaReady(grant("a", 4 * GIB));
    assertThat(honest.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    for (int i = 0; i < 3; i++) {
      restart(BypassPolicy.STOP, BypassPolicy.STOP);
      Eventually.soon(() -> assertThat(agent.stats().samples()).isGreaterThan(6));
      assertThat(agent.stats().bypassFindings().values()).containsOnly(0L);
      assertThat(agent.view().events()).isEmpty();
    }
    assertThat(honest.say("free")).isEqualTo(SUCCESS);
  }

  @Test
  void whoIgnoresTheTermSignalIsKilledAfterTheGrace() throws Exception {
    restart(BypassPolicy.STOP, BypassPolicy.REPORT);
    Talker program = stubborn(grant("a", 4 * GIB));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(program.isAlive()).isFalse());
    Eventually.soon(() -> assertThat(what(program)).containsExactly("stopping", "killed"));
  }
}
