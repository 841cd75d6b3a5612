package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.page.PageLayout;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.TenantGrant;
import org.junit.jupiter.api.Test;

/** As many processes as a tenant can have, all at once and alive. */
class ManyProcessesTest extends AgentFixture {
  private static final String NOT_READY = "802";

  @Test
  void everySlotIsTakenTheNextProcessIsToldSoAndAllAreFreed() throws Exception {
    TenantGrant grant = grant("crowd", 2 * GIB);
    Talker crowd = talk(grant.environment(), CProgram.of("crowd_tenant"));
    for (int i = 0; i < 5; i++) {
      assertThat(crowd.say("grow 100")).isEqualTo("100 0");
    }
    assertThat(view("crowd").processes()).hasSize(500);
    assertThat(crowd.say("grow " + (PageLayout.MAX_SLOTS - 500)))
        .isEqualTo(PageLayout.MAX_SLOTS - 500 + " 0");
    assertThat(raw(grant).say("hello"))
        .isEqualTo("refused 5 this tenant has as many processes that use CUDA as one can have");
    assertThat(cuda(grant).say("init")).isEqualTo(NOT_READY);
    assertThat(raw(grant("other", GIB)).say("hello")).as("another's").startsWith("welcome 0 ");

    crowd.kill();
    Eventually.soon(() -> assertThat(view("crowd").processes()).isEmpty());
    assertThat(raw(grant).say("hello")).startsWith("welcome 0 ");
    assertThat(cudaReady(grant).say("alloc " + GIB)).isEqualTo(SUCCESS);
  }
}
