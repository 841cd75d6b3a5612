package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.BypassView;
import dev.aliquot.agent.view.TenantGrant;
import dev.aliquot.agent.view.TenantSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is on a device and not accounted for is found by ground truth, and named. */
class BypassFoundTest extends BypassFixture {

  private void isFoundAsUnattached(String tenant, Talker program) {
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    assertThat(program.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> {
          assertThat(bypasses(tenant)).hasSize(1);
          BypassView found = bypasses(tenant).getFirst();
          assertThat(found.pid()).isEqualTo(program.pid());
          assertThat(found.kind()).isEqualTo("unattached");
          assertThat(found.tenant()).isEqualTo(view(tenant).id());
          assertThat(found.bytes()).isEqualTo(GIB + CONTEXT);
          assertThat(found.action()).isEqualTo("reported");
        });
    assertThat(device().bypasses()).isEmpty();
  }

  @Test
  void complaint19_aProcessThatShedsItsEnvironmentAndOpensTheDriverByPathIsFound()
      throws Exception {
    TenantGrant grant = grant("bare", 4 * GIB);
    Talker honest = cudaReady(grant);
    isFoundAsUnattached("bare", bare(grant));
    assertThat(agent.stats().bypassFindings()).containsEntry("unattached", 1L);
    assertThat(honest.say("alloc " + GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aProgramStartedThroughTheLoaderIsFound() throws Exception {
    TenantGrant grant = grant("loader", 4 * GIB);
    Path loader = Path.of("/lib64/ld-linux-x86-64.so.2");
    Talker program =
        talk(
            Map.of(),
            Path.of("/usr/bin/env"),
            "-i",
            (Files.exists(loader) ? loader : Path.of("/lib/ld-linux-aarch64.so.1")).toString(),
            CProgram.of("cuda_tenant").toString(),
            driver(grant).toString());
    isFoundAsUnattached("loader", program);
  }

  @Test
  void aDriverInALinkNamespaceOfItsOwnIsFoundThoughTheStandInIsPreloaded() throws Exception {
    TenantGrant grant = grant("namespace", 4 * GIB);
    Talker program =
        talk(
            grant.environment(), CProgram.of("cuda_tenant"), driver(grant).toString(), "namespace");
    isFoundAsUnattached("namespace", program);
  }

  @Test
  void aContainersProcessIsNamedWithItsContainer() throws Exception {
    TenantGrant grant =
        agent.createTenant(
            new TenantSpec("c", "ml", "train-0", "main", List.of("0"), 4 * GIB, null, ownPid()),
            peer(ownPid()));
    Talker program = bare(grant);
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(
        () ->
            assertThat(bypasses("c"))
                .extracting(BypassView::container)
                .containsExactly("ml/train-0/main"));
    end("c");
  }

  @Test
  void aProcessThatZeroesItsReportIsFoundAndItsTenantChargedAllTheSame() throws Exception {
    TenantGrant grant = grant("liar", 4 * GIB);
    Talker liar = cudaReady(grant);
    Talker neighbour = cudaReady(grant("honest", 2 * GIB));
    assertThat(liar.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
    assertThat(neighbour.say("alloc " + GIB)).isEqualTo(SUCCESS);
    Talker scribbler = raw(grant);
    assertThat(scribbler.say("as 0 0")).isEqualTo("ok");
    assertThat(scribbler.say("use 0 0")).isEqualTo("ok");
    Eventually.soon(
        () -> {
          assertThat(bypasses("liar")).hasSize(1);
          BypassView found = bypasses("liar").getFirst();
          assertThat(found.pid()).isEqualTo(liar.pid());
          assertThat(found.kind()).isEqualTo("underreporting");
          assertThat(found.bytes()).isEqualTo(3 * GIB + CONTEXT);
        });
    assertThat(view("liar").overheadBytes()).isEqualTo(3 * GIB + CONTEXT);
    assertThat(liar.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(bypasses("honest")).isEmpty();
  }

  @Test
  void garbageInAWholeUsagePageIsFoundAndStaysInItsTenant() throws Exception {
    TenantGrant grant = grant("garbage", 4 * GIB);
    Talker program = cudaReady(grant);
    Talker neighbour = cudaReady(grant("honest", 2 * GIB));
    assertThat(program.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    assertThat(raw(grant).say("garbage")).isEqualTo("ok");
    Eventually.soon(
        () ->
            assertThat(bypasses("garbage"))
                .extracting(BypassView::pid, BypassView::kind)
                .containsExactly(
                    org.assertj.core.groups.Tuple.tuple(program.pid(), "underreporting")));
    assertThat(view("garbage").usedBytes()).isGreaterThanOrEqualTo(2 * GIB + CONTEXT);
    assertThat(bypasses("honest")).isEmpty();
    assertThat(neighbour.say("alloc " + GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aStrangerIsFoundWithItsCgroup() throws Exception {
    Talker elsewhere = talk(Map.of(), Path.of("/bin/cat"));
    TenantGrant grant =
        agent.createTenant(spec("other", GIB, elsewhere.pid()), peer(elsewhere.pid()));
    Talker stranger = bare(grant);
    assertThat(stranger.say("init")).isEqualTo(SUCCESS);
    Eventually.soon(
        () -> {
          assertThat(device().bypasses()).hasSize(1);
          BypassView found = device().bypasses().getFirst();
          assertThat(found.pid()).isEqualTo(stranger.pid());
          assertThat(found.kind()).isEqualTo("stranger");
          assertThat(found.tenant()).isEmpty();
          assertThat(found.cgroup()).startsWith("/");
          assertThat(found.bytes()).isEqualTo(CONTEXT);
        });
    assertThat(bypasses("other")).isEmpty();
    stranger.kill();
    Eventually.soon(() -> assertThat(device().bypasses()).isEmpty());
  }

  @Test
  void noHonestProcessIsEverFound() throws Exception {
    TenantGrant grant = grant("honest", 6 * GIB);
    Talker busy = cudaReady(grant);
    Talker idle = cudaReady(grant);
    assertThat(idle.say("alloc " + 2 * GIB)).isEqualTo(SUCCESS);
    busy.tell("churn 3000 " + GIB);
    long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
    while (System.nanoTime() < end) {
      Talker another = cuda(grant);
      if (another.say("init").equals(SUCCESS)) {
        assertThat(another.say("alloc " + 100 * MIB)).isIn(SUCCESS, OUT_OF_MEMORY);
      }
      assertThat(bypasses("honest")).isEmpty();
    }
    assertThat(busy.answer()).doesNotStartWith("error");
    assertThat(agent.stats().bypassFindings().values()).containsOnly(0L);
  }
}
