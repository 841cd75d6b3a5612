package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.MemoryGroup;
import dev.aliquot.agent.support.Talker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Real programs with the tenant library that leave the simulated device with their contexts, and
 * compute right when they are back.
 */
class DeepSwapTest extends LendingFixture {
  private static final long STEP = 64 * MIB;

  /** A small device, so that it is soon full: what is lived through does not depend on its size. */
  private static final long DEVICE = GIB + 384 * MIB;

  private static final long SMALL_CONTEXT = 128 * MIB;

  private Talker a;
  private Talker b;
  private long capacity;

  @BeforeEach
  void twoTenants() throws Exception {
    // who waits for memory must not wait for a turn that lasts
    idleAfter = Duration.ofMillis(1500);
    // a whole tenant has to leave meanwhile, where memory is slow to be had, too
    agentWait = Duration.ofMinutes(2);
    serveDevice(DEVICE, SMALL_CONTEXT);
    capacity = node().devices().getFirst().capacityBytes();
    a = cuda("a", capacity / 4, capacity);
    b = cuda("b", capacity / 4, capacity);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
  }

  private static long fill(Talker tenant, long upToBytes) {
    long bytes = 0;
    for (; bytes + STEP <= upToBytes; bytes += STEP) {
      grow(tenant, STEP);
    }
    return bytes;
  }

  private void is(String name, String state) {
    Eventually.soon(() -> assertThat(tenant(name).state()).isEqualTo(state));
  }

  /** Where memory is slow to be had it may take more than one try until it is out. */
  private void goesDeep() {
    Eventually.soon(
        () -> {
          if (List.of("running", "swapped").contains(tenant("a").state())) {
            assertThat(serving.say("swap out_deep a")).isEqualTo("ok");
          }
          assertThat(tenant("a").state()).isEqualTo("deep");
        });
    Eventually.soon(() -> assertThat(tenant("a").groundTruthBytes()).isZero());
  }

  @Test
  void nothingOfADeepTenantIsOnTheDeviceAndItComputesRightAgain() {
    long held = fill(a, capacity / 2);
    for (int round = 0; round < 3; round++) {
      goesDeep();
      assertThat(node().devices().getFirst().usedBytes()).isZero();
      assertThat(a.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(a);
      is("a", "running");
      assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(held);
      assertThat(a.say("rest")).isEqualTo(SUCCESS);
    }
  }

  @Test
  void anAllocationOfADeepTenantWaitsUntilItIsBack() {
    fill(a, capacity / 2);
    goesDeep();
    grow(a, STEP);
    is("a", "running");
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
  }

  @Test
  void aDeepTenantComesBackToADeviceThatAnotherHasFilled() {
    fill(a, capacity / 2);
    goesDeep();
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    fill(b, capacity - SMALL_CONTEXT - STEP);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    assertThat(b.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(b);
  }

  @Test
  void aDeepTenantWaitsForTheNextAgentAndComesBackWithIt() {
    fill(a, capacity / 2);
    goesDeep();
    serving.kill();
    a.tell("work");
    serveAgain(POOL, 2);
    assertThat(a.answer()).isEqualTo(SUCCESS);
    assertComputesRight(a);
    is("a", "running");
  }

  /** The agent can open none of the chunks of the one before: the data moves to its own first. */
  @Test
  void aTenantThatAnEarlierAgentSwappedOutGoesDeep() throws Exception {
    fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    is("a", "swapped");
    long taken = node().hostPool().takenBytes();
    serveAgain(POOL, 2);
    goesDeep();
    assertThat(node().hostPool().takenBytes()).isEqualTo(taken);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
    is("a", "running");
  }

  @Test
  void aDeepTenantIsBroughtBackByCommand() {
    fill(a, capacity / 2);
    goesDeep();
    assertThat(serving.say("swap in a")).isEqualTo("ok");
    is("a", "running");
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    assertComputesRight(a);
  }

  @Test
  void aTenantKilledWhileItIsDeepLeavesNothing() {
    fill(a, capacity / 2);
    goesDeep();
    a.kill();
    Eventually.soon(() -> assertThat(node().hostPool().takenBytes()).isZero());
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    fill(b, capacity - SMALL_CONTEXT - STEP);
  }

  /** The driver's copy is the process's own memory: its container would be killed for it. */
  @Test
  void whatItsMemoryLimitDoesNotTakeStaysOnTheDevice() throws Exception {
    fill(a, capacity / 2);
    assertThat(serving.say("swap out a")).isEqualTo("ok");
    is("a", "swapped");
    try (MemoryGroup group = MemoryGroup.make()) {
      group.add(a.pid());
      group.leave(SMALL_CONTEXT - MIB);
      serving.say("swap out_deep a");
      Eventually.soon(
          () -> assertThat(stays("a")).contains("would not fit its container's memory limit: 12"));
      assertThat(tenant("a").state()).isEqualTo("swapped");
      group.leave(SMALL_CONTEXT + 128 * MIB);
      goesDeep();
      group.leave(8 * GIB);
      assertThat(a.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(a);
      a.kill();
    }
  }

  private String stays(String name) {
    return tenant(name).swap().stays();
  }
}
