package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import org.junit.jupiter.api.Test;

/**
 * Memory that one process makes and another opens: charged once while its maker holds it, then to
 * whoever still does.
 */
class SharedMemoryTest extends AgentFixture {

  @Test
  void withinATenantItIsChargedOnce() throws Exception {
    TenantGrant grant = grant("pair", 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    long rest = 4 * GIB - 2 * CONTEXT - 2 * GIB;
    assertThat(holder.say("open " + shared(maker, 2 * GIB))).isEqualTo(SUCCESS);
    assertThat(holder.say("info")).isEqualTo(rest + " " + 4 * GIB);
    assertThat(holder.say("alloc " + (rest + 2 * MIB))).isEqualTo(OUT_OF_MEMORY);
    assertThat(holder.say("alloc " + rest)).isEqualTo(SUCCESS);
    becomes("pair", 4 * GIB);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    becomes("pair", 4 * GIB);
  }

  @Test
  void lettingGoAgainAndAgainDoesNotPassTheLimit() throws Exception {
    TenantGrant grant = grant("again", 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    for (int i = 0; i < 3; i++) {
      assertThat(holder.say("open " + shared(maker, GIB))).isEqualTo(SUCCESS);
      assertThat(maker.say("free")).isEqualTo(SUCCESS);
    }
    assertThat(maker.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    becomes("again", 3 * GIB + 2 * CONTEXT);
    assertThat(holder.say("alloc " + GIB)).isEqualTo(OUT_OF_MEMORY);
    for (int i = 0; i < 3; i++) {
      assertThat(holder.say("close")).isEqualTo(SUCCESS);
    }
    becomes("again", 2 * CONTEXT);
    assertThat(maker.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void aKilledMakersMemoryIsChargedToItsHolder() throws Exception {
    TenantGrant grant = grant("widow", 4 * GIB);
    Talker maker = cudaReady(grant);
    Talker holder = cudaReady(grant);
    assertThat(holder.say("open " + shared(maker, 3 * GIB))).isEqualTo(SUCCESS);
    maker.kill();
    assertThat(holder.say("alloc " + 2 * GIB)).isEqualTo(OUT_OF_MEMORY);
    becomes("widow", 3 * GIB + CONTEXT);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    becomes("widow", CONTEXT);
    assertThat(holder.say("alloc " + 3 * GIB)).isEqualTo(SUCCESS);
  }

  @Test
  void ofAnotherTenantItIsThatTenantsUntilThatIsGone() throws Exception {
    Talker maker = cudaReady(grant("maker", 3 * GIB));
    Talker second = cudaReady(grant("second", GIB));
    Talker holder = cudaReady(grant("holder", 2 * GIB));
    assertThat(holder.say("open " + shared(maker, 2 * GIB))).isEqualTo(SUCCESS);
    becomes("holder", CONTEXT);
    becomes("maker", 2 * GIB + CONTEXT);
    maker.kill();
    becomes("holder", 2 * GIB + CONTEXT);
    assertThat(holder.say("alloc " + 2 * MIB)).isEqualTo(OUT_OF_MEMORY);
    assertThat(holder.say("open " + shared(second, 512 * MIB)))
        .as("past its limit, nothing more comes in")
        .isEqualTo(OUT_OF_MEMORY);
    assertThat(holder.say("close")).isEqualTo(SUCCESS);
    becomes("holder", CONTEXT);
    assertThat(holder.say("open " + shared(second, 128 * MIB))).isEqualTo(SUCCESS);
  }

  /** The handle of new memory of a process. */
  private static String shared(Talker maker, long bytes) {
    assertThat(maker.say("alloc " + bytes)).isEqualTo(SUCCESS);
    String handle = maker.say("export");
    assertThat(handle).hasSize(128);
    return handle;
  }

  private void becomes(String tenant, long bytes) {
    Eventually.soon(
        () -> {
          assertThat(view(tenant).usedBytes()).isEqualTo(bytes);
          assertThat(view(tenant).groundTruthBytes()).isEqualTo(bytes);
        });
  }
}
