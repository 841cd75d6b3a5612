package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.KeeperPolicy;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.EventView;
import org.junit.jupiter.api.Test;

/** A borrower that does not give back what is guaranteed to another. */
class KeeperTest extends LendingFixture {

  @Test
  void whereThePolicyIsToStopItIsStoppedWithAReasonAndTheOtherGetsItsRequest() throws Exception {
    keepers = KeeperPolicy.STOP;
    serveDevice(4 * GIB, CONTEXT);
    long capacity = node().devices().getFirst().capacityBytes();
    Talker keeper = cuda("keeper", GIB, capacity);
    Talker owner = cuda("owner", 2 * GIB, 2 * GIB);
    assertThat(keeper.say("init")).isEqualTo(SUCCESS);
    grow(keeper, 3 * GIB);
    assertThat(owner.say("init")).isEqualTo(SUCCESS);
    assertThat(keeper.say("spin 600")).isEqualTo(SUCCESS);
    // it may have to ask twice: that a kernel does not end takes most of the wait to be found out
    Eventually.soon(
        () -> assertThat(owner.say("grow " + (GIB + 512 * MIB))).startsWith(SUCCESS + " "));
    assertThat(keeper.isAlive()).isFalse();
    EventView event = node().events().getFirst();
    assertThat(event.what()).isEqualTo("stopping");
    assertThat(event.pid()).isEqualTo(keeper.pid());
    assertThat(event.reason())
        .contains("process " + keeper.pid() + " (working_tenant) of tenant")
        .contains("was lent to it and is guaranteed to a tenant that waits")
        .contains("the policy is to stop it");
    assertThat(node().events()).extracting(EventView::pid).containsOnly(keeper.pid());
  }
}
