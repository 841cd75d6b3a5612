package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * Tenants that do not fit a device together and both compute all the time: each has it for a while,
 * with all of its data. Small, for a turn is nine times as long as an exchange takes.
 */
class SwapTurnsTest extends LendingFixture {
  private static final long SMALL_CONTEXT = 32 * MIB;
  private static final long STEP = 32 * MIB;
  private static final int TURNS = 2;

  private long each;

  private Talker busy(String name) throws Exception {
    long part = each / 3 / (2 * MIB) * (2 * MIB);
    Talker tenant = cuda(name, part, node().devices().getFirst().capacityBytes());
    assertThat(tenant.say("init")).isEqualTo(SUCCESS);
    return tenant;
  }

  private void fill(Talker tenant) {
    grow(tenant, each / STEP * STEP);
    assertThat(tenant.say("work")).isEqualTo(SUCCESS);
  }

  /** It has its turn: everything of it is on the device while it computes. */
  private void hasItsTurn(String name, Talker tenant) {
    Eventually.within(
        Eventually.TURNS,
        () -> {
          assertThat(tenant(name).state()).isEqualTo("running");
          assertThat(tenant(name).demotedBytes()).isZero();
        });
    assertComputesRight(tenant);
  }

  @Test
  void eachHasTheDeviceAsAWholeInItsTurn() throws Exception {
    idleAfter = Duration.ofSeconds(1);
    agentWait = Duration.ofSeconds(40);
    serveDevice(1152 * MIB, SMALL_CONTEXT);
    each = node().devices().getFirst().capacityBytes() * 11 / 16;
    Talker a = busy("a");
    fill(a);
    Talker b = busy("b");
    fill(b);
    for (int turn = 0; turn < TURNS; turn++) {
      hasItsTurn("a", a);
      hasItsTurn("b", b);
    }
    Eventually.soon(
        () -> {
          assertThat(tenant("a").swap().swapOuts()).isGreaterThanOrEqualTo(TURNS);
          assertThat(tenant("b").swap().swapOuts()).isGreaterThanOrEqualTo(TURNS - 1);
        });
    assertThat(tenant("a").refusals() + tenant("b").refusals()).isZero();
    assertThat(node().devices().getFirst().health()).isEqualTo("healthy");
  }
}
