package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Ways round the interposer, each found by the second reading that begins after it, within two
 * sampling periods so, with the container that it belongs to. On a node of one device, whose
 * readings the agent's count is.
 */
class BypassPromptTest extends BypassFixture {

  @Override
  int devices() {
    return 1;
  }

  /** The readings that an agent begins with come out of turn. */
  @BeforeEach
  void awaitReadings() {
    Eventually.soon(() -> assertThat(agent.view().ready()).isTrue());
    long before = agent.stats().samples();
    Eventually.soon(() -> assertThat(agent.stats().samples()).isGreaterThan(before));
  }

  /** The container whose processes this test's children are, and another with its own. */
  private TenantGrant containers() throws AgentException {
    Talker elsewhere = talk(Map.of(), Path.of("/bin/cat"));
    agent.createTenant(
        new TenantSpec(
            "neighbour", "ml", "train-1", "main", List.of("0"), GIB, null, elsewhere.pid()),
        peer(ownPid()));
    return agent.createTenant(
        new TenantSpec("c", "ml", "train-0", "main", List.of("0"), 4 * GIB, null, ownPid()),
        peer(ownPid()));
  }

  /** Beside two that begin from now on, one may be under way. */
  private void isFoundByTheSecondReading(Talker program, String kind, long bytes) {
    long before = agent.stats().samples();
    Eventually.soon(() -> assertThat(agent.stats().samples()).isGreaterThanOrEqualTo(before + 3));
    assertThat(bypasses("c"))
        .extracting(BypassView::pid, BypassView::kind, BypassView::container, BypassView::bytes)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(program.pid(), kind, "ml/train-0/main", bytes));
    assertThat(bypasses("neighbour")).isEmpty();
    assertThat(device().bypasses()).isEmpty();
  }

  private void isFoundAsUnattached(Talker program) {
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    isFoundByTheSecondReading(program, "unattached", GIB + CONTEXT);
    assertThat(view("c").overheadBytes())
        .as("charged to its container")
        .isGreaterThanOrEqualTo(GIB + CONTEXT);
  }

  @Test
  void aProgramThatClearsItsEnvironmentAndOpensTheDriverByItsPath() throws Exception {
    isFoundAsUnattached(bare(containers()));
  }

  @Test
  void aStaticallyLinkedProgramWithALoaderOfItsOwn() throws Exception {
    Talker program = statically(containers());
    isFoundAsUnattached(program);
    assertThat(Files.readSymbolicLink(Path.of("/proc/" + program.pid() + "/exe")))
        .as("no other program has taken its place")
        .hasFileName("static_tenant");
    assertThat(Files.readString(Path.of("/proc/" + program.pid() + "/maps")))
        .as("the stand-in is not in it")
        .doesNotContain("libaliquot-cuda");
  }

  @Test
  void aProgramThatOverwritesItsUsagePage() throws Exception {
    TenantGrant grant = containers();
    Talker liar = cudaReady(grant);
    assertThat(liar.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    Talker scribbler = raw(grant);
    assertThat(scribbler.say("as 0 0")).isEqualTo("ok");
    assertThat(scribbler.say("use 0 0")).isEqualTo("ok");
    isFoundByTheSecondReading(liar, "underreporting", 3 * GIB + CONTEXT);
  }
}
