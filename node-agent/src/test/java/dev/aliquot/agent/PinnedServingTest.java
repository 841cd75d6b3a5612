package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.PinnedView;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What keeps a tenant's memory on its device is shown, and is gone when it has ended: the agent in
 * a process of its own, a real program, the simulated driver.
 */
class PinnedServingTest extends LendingFixture {
  private static final long HELD = 256 * MIB;
  private static final long PINNED = 64 * MIB;
  private static final String KERNEL = "what runs on the device does not end";

  private Talker a;

  @BeforeEach
  void oneTenant() throws Exception {
    serveDevice(2 * GIB, CONTEXT);
    a = cuda("a", CONTEXT + 256 * MIB, node().devices().getFirst().capacityBytes());
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    grow(a, HELD);
  }

  private void isOut(String stays) {
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    Eventually.soon(
        () -> {
          assertThat(tenant("a").state()).isEqualTo("swapped");
          assertThat(tenant("a").swap().stays()).isEqualTo(stays);
        });
  }

  private void pins(String how) {
    grow(a, PINNED);
    assertThat(a.say(how)).isEqualTo(SUCCESS);
  }

  @Test
  void whatIsPinnedStaysAndTheRestLeavesUntilThatHasEnded() {
    pins("share");
    pins("register");
    assertThat(tenant("a").swap().stays()).as("nobody wants it away").isEmpty();
    assertThat(tenant("a").swap().pinned())
        .containsExactly(new PinnedView("shared", PINNED), new PinnedView("rdma", PINNED));
    assertThat(tenant("a").processes().getFirst().pinned()).isEqualTo(tenant("a").swap().pinned());
    isOut("64.0 MiB shared by IPC, 64.0 MiB registered for RDMA");
    assertThat(tenant("a").demotedBytes()).isEqualTo(HELD);
    assertThat(tenant("a").reportedBytes()).isBetween(2 * PINNED, 2 * PINNED + 4 * MIB);
    assertThat(a.say("drop")).as("it comes back for that").isEqualTo(SUCCESS);
    isOut("64.0 MiB shared by IPC");
    assertThat(a.say("drop")).isEqualTo(SUCCESS);
    Eventually.soon(() -> assertThat(tenant("a").swap().pinned()).isEmpty());
    isOut("");
    assertThat(tenant("a").reportedBytes()).isLessThan(4 * MIB);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
  }

  @Test
  void whoHoldsNothingElseCannotBeSwappedOutAndIsToldWhy() {
    assertThat(a.say("drop")).isEqualTo(SUCCESS);
    pins("share");
    assertThat(serving.say("swap out a"))
        .startsWith("INVALID tenant a holds nothing that moves (64.0 MiB shared)")
        .as("the driver could not take it off either")
        .doesNotContain("--deep");
  }

  @Test
  void whatTheDriverHasTakenOffIsNotPinnedThere() {
    assertThat(a.say("reach " + PINNED)).isEqualTo(SUCCESS);
    isOut("64.0 MiB reachable by the host");
    assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant("a").state()).isEqualTo("deep"));
    assertThat(tenant("a").swap().pinned()).isEmpty();
    assertThat(tenant("a").swap().stays()).isEmpty();
    assertThat(tenant("a").processes().getFirst().pinned()).isEmpty();
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    Eventually.soon(
        () ->
            assertThat(tenant("a").swap().pinned())
                .containsExactly(new PinnedView("host", PINNED)));
  }

  @Test
  void aRestartOfTheAgentForgetsNoReason() {
    pins("share");
    isOut("64.0 MiB shared by IPC");
    serveAgain(POOL, 1);
    Eventually.soon(
        () -> assertThat(tenant("a").swap().stays()).isEqualTo("64.0 MiB shared by IPC"));
  }

  @Test
  void aKernelThatDoesNotEndIsTheReasonUntilItHasEnded() {
    assertThat(a.say("spin 12")).isEqualTo(SUCCESS);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant("a").swap().stays()).isEqualTo(KERNEL));
    assertThat(tenant("a").state()).isEqualTo("running");
    Eventually.within(
        Eventually.TURNS, () -> assertThat(serving.say("swap out a")).isEqualTo("ok"));
    Eventually.within(
        Eventually.TURNS,
        () -> {
          assertThat(tenant("a").state()).isEqualTo("swapped");
          assertThat(tenant("a").swap().stays()).isEmpty();
        });
  }
}
