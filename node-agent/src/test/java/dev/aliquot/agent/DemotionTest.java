package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Lent memory is taken back from a program that goes on computing: the agent in a process of its
 * own, real programs, the simulated driver.
 */
class DemotionTest extends LendingFixture {
  private static final long STEP = 256 * MIB;

  /** Whole GiB; 17 is more than 16 of capacity, and takes minutes where fresh memory is slow. */
  private static final long DEVICE = Long.getLong("aliquot.demotion.gib", 5) * GIB;

  private Talker a;
  private Talker b;

  /**
   * Two tenants of a device, the first with 4 parts of 16 guaranteed, the second with 8; both may
   * have all.
   */
  private void twoTenants(long deviceBytes) throws Exception {
    serveDevice(deviceBytes, CONTEXT);
    long capacity = node().devices().getFirst().capacityBytes();
    long part = capacity / 16 / (2 * MIB) * (2 * MIB);
    a = cuda("a", 4 * part, capacity);
    b = cuda("b", 8 * part, capacity);
  }

  private static List<Long> numbers(String text) {
    return java.util.Arrays.stream(text.split(" ")).map(Long::valueOf).toList();
  }

  @Test
  void aTenantGetsItsRequestFromABorrowerThatGoesOnComputing() throws Exception {
    twoTenants(DEVICE);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    long capacity = tenant("a").limitBytes();
    long borrowed = CONTEXT;
    while (borrowed + STEP <= capacity * 15 / 16) {
      grow(a, STEP);
      borrowed += STEP;
    }
    assertThat(tenant("a").loanBytes()).isGreaterThan(capacity / 2);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    assertThat(b.say("work")).isEqualTo(SUCCESS);
    long request = tenant("b").requestBytes();
    Duration waited = Duration.ZERO;
    Duration worst = Duration.ZERO;
    int steps = 0;
    for (long held = CONTEXT + 2 * MIB; held + STEP <= request; held += STEP) {
      Duration took = grow(b, STEP);
      waited = waited.plus(took);
      worst = worst.compareTo(took) > 0 ? worst : took;
      steps++;
    }
    List<Long> moves = numbers(serving.say("moves"));
    System.out.printf(
        "demotion: device %d GiB, %d steps of 256 MiB, all %d ms, worst %d ms; demoted %d MiB,"
            + " copies alone %d ms, closed %d ms%n",
        DEVICE / GIB,
        steps,
        waited.toMillis(),
        worst.toMillis(),
        moves.get(0) / MIB,
        moves.get(1) / 1_000_000,
        moves.get(2) / 1_000_000);
    assertThat(tenant("a").demotedBytes()).isPositive();
    assertThat(tenant("a").refusals()).isZero();
    assertComputesRight(a);
    assertComputesRight(b);
    assertThat(a.isAlive()).isTrue();
    b.kill();
    Eventually.falls("a's demoted bytes", () -> tenant("a").demotedBytes());
    assertComputesRight(a);
    assertThat(tenant("a").usedBytes()).isGreaterThan(capacity * 7 / 8);
  }

  /** What b can still get of its request, in one allocation. */
  private long restOfB() {
    return (tenant("b").requestBytes() - CONTEXT) / (64 * MIB) * (64 * MIB) - 64 * MIB;
  }

  @Test
  void aBorrowerWhoseKernelDoesNotEndKeepsItsMemoryAndTheAskerGetsTheRestLater() throws Exception {
    twoTenants(4 * GIB);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    grow(a, 3 * GIB);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    assertThat(a.say("spin 60")).isEqualTo(SUCCESS);
    long demotedBytes = tenant("a").demotedBytes();
    // the agent gives up before the process that asks does
    assertThat(b.say("grow " + restOfB())).startsWith(OUT_OF_MEMORY + " ");
    assertThat(tenant("a").demotedBytes()).isEqualTo(demotedBytes);
    assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(3 * GIB - demotedBytes);
    a.kill();
    Eventually.soon(() -> assertThat(b.say("grow " + restOfB())).startsWith(SUCCESS + " "));
  }

  @Test
  void aBorrowerKilledInTheMiddleMakesRoom() throws Exception {
    twoTenants(4 * GIB);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    grow(a, 3 * GIB);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    long rest = restOfB();
    b.tell("grow " + rest);
    Thread.sleep(30);
    a.kill();
    assertThat(b.answer()).startsWith(SUCCESS + " ");
    Eventually.soon(() -> assertThat(tenant("b").usedBytes()).isGreaterThan(rest));
  }

  @Test
  void anAskerKilledWhileItWaitsLeavesTheBorrowerWhatIsLeft() throws Exception {
    twoTenants(4 * GIB);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    grow(a, 3 * GIB);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    b.tell("grow " + restOfB());
    Thread.sleep(30);
    b.kill();
    Eventually.soon(
        () -> {
          assertThat(tenant("a").demotedBytes()).isZero();
          assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(3 * GIB);
        });
    assertComputesRight(a);
  }

  @Test
  void anAgentKilledInTheMiddleOfADemotionLosesNothing() throws Exception {
    // the next agent may take its time to start
    agentWait = Duration.ofSeconds(60);
    twoTenants(4 * GIB);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    assertThat(a.say("work")).isEqualTo(SUCCESS);
    grow(a, 3 * GIB);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    for (int kills = 0; kills < 3; kills++) {
      b.tell("grow " + 256 * MIB);
      Thread.sleep(20L * kills);
      serveAgain(POOL, 2);
      assertThat(b.answer()).startsWith(SUCCESS + " ");
      assertComputesRight(a);
    }
    b.kill();
    Eventually.falls("a's demoted bytes", () -> tenant("a").demotedBytes());
    assertComputesRight(a);
    assertThat(tenant("a").reportedBytes()).isGreaterThanOrEqualTo(3 * GIB);
  }

  @Test
  void withoutAHostPoolNothingIsLent() throws Exception {
    twoTenants(4 * GIB);
    serveAgain(0, 2);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    long request = tenant("a").requestBytes();
    assertThat(a.say("grow " + request)).startsWith(OUT_OF_MEMORY + " ");
    assertThat(a.say("grow " + (request - CONTEXT) / (128 * MIB) * (64 * MIB)))
        .startsWith(SUCCESS + " ");
    assertThat(tenant("a").loanBytes()).isZero();
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    assertThat(b.say("grow " + restOfB())).startsWith(SUCCESS + " ");
  }

  @Test
  void aHostPoolThatIsTooSmallBoundsWhatIsLent() throws Exception {
    twoTenants(4 * GIB);
    serveAgain(512 * MIB, 2);
    assertThat(a.say("init")).isEqualTo(SUCCESS);
    for (int i = 0; i < 48 && a.say("grow " + 64 * MIB).startsWith(SUCCESS + " "); i++) {
      assertThat(tenant("a").loanBytes()).isLessThanOrEqualTo(512 * MIB);
    }
    assertThat(tenant("a").loanBytes()).isBetween(256 * MIB, 512 * MIB);
    assertThat(b.say("init")).isEqualTo(SUCCESS);
    assertThat(b.say("grow " + restOfB())).as("all of it comes back").startsWith(SUCCESS + " ");
  }
}
