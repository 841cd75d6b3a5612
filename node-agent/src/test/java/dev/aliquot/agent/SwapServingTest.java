package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Tenants are swapped out as a whole and come back by themselves: the agent in a process of its
 * own, real programs, the simulated driver.
 */
class SwapServingTest extends LendingFixture {
  private static final long STEP = 64 * MIB;

  /** A small device, so that it is soon full: what is lived through does not depend on its size. */
  private static final long DEVICE = GIB + 384 * MIB;

  private static final long SMALL_CONTEXT = 128 * MIB;

  private Talker a;
  private Talker b;
  private long capacity;

  @BeforeEach
  void twoTenants() throws Exception {
    idleAfter = Duration.ofMillis(1500);
    // a whole tenant has to leave meanwhile, where memory is slow to be had, too
    agentWait = Duration.ofSeconds(40);
    serveDevice(DEVICE, SMALL_CONTEXT);
    capacity = node().devices().getFirst().capacityBytes();
    long part = capacity / 16 / (2 * MIB) * (2 * MIB);
    a = cuda("a", 4 * part, capacity);
    b = cuda("b", 8 * part, capacity);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
  }

  private long fill(Talker tenant, long upToBytes) {
    long bytes = 0;
    for (; bytes + STEP <= upToBytes; bytes += STEP) {
      grow(tenant, STEP);
    }
    return bytes;
  }

  private void isSwappedOut(String name) {
    Eventually.soon(() -> assertThat(tenant(name).state()).isEqualTo("swapped"));
  }

  private void runs(String name) {
    Eventually.soon(() -> assertThat(tenant(name).state()).isEqualTo("running"));
  }

  @Test
  void anIdleTenantIsSwappedOutForAnotherAndComesBackByItself() throws Exception {
    long held = fill(a, capacity * 10 / 16);
    assertThat(tenant("a").state()).isEqualTo("running");
    Thread.sleep(idleAfter.toMillis() * 2);
    long request = tenant("b").requestBytes();
    fill(b, request - SMALL_CONTEXT - 64 * MIB);
    isSwappedOut("a");
    assertThat(tenant("a").demotedBytes()).as("all of it").isGreaterThanOrEqualTo(held);
    assertThat(tenant("a").usedBytes()).isLessThan(2 * SMALL_CONTEXT + 64 * MIB);
    Thread.sleep(idleAfter.toMillis() * 2);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    runs("a");
    assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(held);
    assertThat(tenant("a").demotedBytes()).as("b, idle, went instead").isZero();
    isSwappedOut("b");
    assertThat(a.say("rest")).isEqualTo(SUCCESS);
    assertThat(b.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(b);
    assertThat(serving.say("swaps")).matches("[2-9] [2-9]");
  }

  @Test
  void aTenantIsSwappedOutAndInByCommand() throws Exception {
    assertThat(serving.say("swap out b")).startsWith("INVALID tenant b holds nothing that moves");
    long held = fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isSwappedOut("a");
    assertThat(tenant("a").reportedBytes()).isLessThan(64 * MIB);
    assertThat(serving.say("swap in a")).isEqualTo("ok");
    runs("a");
    Eventually.soon(() -> assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(held));
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    assertThat(serving.say("swap out nobody")).startsWith("NOT_FOUND there is no tenant");
  }

  @Test
  void aTenantThatIsOutWhenTheAgentDiesComesBackWithoutIt() throws Exception {
    fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isSwappedOut("a");
    serving.kill();
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    serveAgain(POOL, 2);
    runs("a");
    assertComputesRight(a);
    Eventually.falls("a's demoted bytes", () -> tenant("a").demotedBytes());
    assertComputesRight(a);
  }

  @Test
  void aTenantThatIsOutStaysOutOverARestartOfTheAgent() throws Exception {
    long held = fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isSwappedOut("a");
    serveAgain(POOL, 2);
    assertThat(tenant("a").state()).isEqualTo("swapped");
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    Eventually.soon(() -> assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(held));
    assertComputesRight(a);
  }

  @Test
  void aTenantKilledWhileItIsOutLeavesNothing() throws Exception {
    fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    isSwappedOut("a");
    a.kill();
    Eventually.soon(() -> assertThat(node().hostPool().takenBytes()).isZero());
    fill(b, capacity * 13 / 16);
    assertThat(b.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(b);
  }

  @Test
  void aTenantWhoseKernelDoesNotEndStays() throws Exception {
    fill(a, capacity / 2);
    assertThat(a.say("spin 12")).isEqualTo(SUCCESS);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    Eventually.soon(() -> assertThat(tenant("a").state()).isEqualTo("running"));
    fill(b, capacity * 6 / 16);
    assertThat(b.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(b);
  }
}
