package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.OutPolicy;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import org.junit.jupiter.api.Test;

/** Tenants leave a device that is out, where they are to be saved, and are back with their data. */
class SavedFromDeviceTest extends LendingFixture {

  private void recovery(int action) throws Exception {
    simulateAt(
        options.stateDir().resolveSibling("d").resolve("node"),
        "recovery",
        "--device",
        "0",
        "--action",
        Integer.toString(action));
  }

  @Test
  void thoseThatMoveAndThoseThatDoNotLeaveAndComeBackRight() throws Exception {
    whenOut = OutPolicy.SAVE;
    serveDevice(3 * GIB, CONTEXT);
    Talker moving = cuda("moving", GIB / 2, 2 * GIB);
    Talker fixed = cuda("fixed", GIB, GIB);
    for (Talker each : new Talker[] {moving, fixed}) {
      assertThat(each.say("init")).isEqualTo(SUCCESS);
      grow(each, 256 * MIB);
    }
    recovery(4);
    Eventually.soon(() -> assertThat(node().devices().getFirst().state()).isEqualTo("draining"));
    Eventually.soon(() -> assertThat(tenant("moving").state()).isEqualTo("deep"));
    Eventually.soon(() -> assertThat(tenant("fixed").state()).isEqualTo("deep"));
    Eventually.soon(
        () -> assertThat(node().devices().getFirst().usedBytes()).as("it can be reset").isZero());
    recovery(0);
    Eventually.soon(() -> assertThat(node().devices().getFirst().state()).isEqualTo("healthy"));
    for (Talker each : new Talker[] {moving, fixed}) {
      assertThat(each.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(each);
    }
  }
}
