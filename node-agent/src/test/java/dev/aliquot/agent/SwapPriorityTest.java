package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.ledger.Priority;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Tenants of different priorities that do not fit a device together and both compute. */
class SwapPriorityTest extends LendingFixture {
  private static final long SMALL_CONTEXT = 32 * MIB;
  private static final long STEP = 32 * MIB;

  private long each;

  private Talker busy(String name, Priority itsPriority) throws Exception {
    priority = itsPriority;
    long part = each / 3 / (2 * MIB) * (2 * MIB);
    Talker tenant = cuda(name, part, node().devices().getFirst().capacityBytes());
    assertThat(tenant.say("init")).isEqualTo(SUCCESS);
    grow(tenant, each / STEP * STEP);
    assertThat(tenant.say("work")).isEqualTo(SUCCESS);
    return tenant;
  }

  @Test
  void aHighTenantHasTheDeviceForAsLongAsItComputesAndALowOneWhatIsGuaranteed() throws Exception {
    idleAfter = Duration.ofSeconds(1);
    agentWait = Duration.ofSeconds(20);
    serveDevice(1152 * MIB, SMALL_CONTEXT);
    each = node().devices().getFirst().capacityBytes() * 11 / 16;
    Talker low = busy("low", Priority.LOW);
    Talker high = busy("high", Priority.HIGH);
    // its memory is there for the other before it has told of it
    Eventually.soon(() -> assertThat(tenant("low").swap().swapOuts()).isOne());
    Eventually.within(
        Eventually.TURNS, () -> assertThat(tenant("low").state()).isEqualTo("running"));
    assertComputesRight(low);
    assertComputesRight(high);
    assertThat(tenant("low").demotedBytes()).as("low goes on over the bus").isPositive();
    assertThat(tenant("high").swap().swapOuts()).isZero();
    assertThat(tenant("high").demotedBytes()).isZero();
    assertThat(high.say("rest")).isEqualTo(SUCCESS);
    Eventually.within(Eventually.TURNS, () -> assertThat(tenant("low").demotedBytes()).isZero());
    assertThat(tenant("high").state()).isEqualTo("swapped");
    assertComputesRight(low);
    assertThat(tenant("low").refusals() + tenant("high").refusals()).isZero();
  }
}
