package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.config.OutPolicy;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DrillSpec;
import dev.aliquot.agent.view.TenantSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of the processes of a device that is out, where they are to be ended. */
class EvacuationTest extends AgentFixture {

  @BeforeEach
  void processesAreToBeEnded() throws Exception {
    agent.close();
    options = options.withHealth(health().withTenants(OutPolicy.STOP));
    agent = Agent.start(options, InstantSource.system());
  }

  private Talker program(String name, String device) throws Exception {
    TenantSpec spec = new TenantSpec(name, "", "", "", List.of(device), GIB, null, 0);
    Talker program =
        talk(agent.createTenant(spec, peer(ownPid())).environment(), CProgram.of("working_tenant"));
    assertThat(program.say("init")).isEqualTo(SUCCESS);
    return program;
  }

  @Test
  void theyAreEndedAndNobodyElseIs() throws Exception {
    Talker there = program("there", "0");
    Talker elsewhere = program("elsewhere", "1");
    Talker without = talk(Map.of(), CProgram.of("raw_tenant"), grant("idle", GIB).directory());
    simulate("xid", "--device", "0", "--code", "95");
    Eventually.soon(() -> assertThat(there.isAlive()).isFalse());
    assertThat(elsewhere.say("grow " + 256 * MIB)).startsWith("0 ");
    assertThat(without.isAlive()).as("one that never used the device").isTrue();
  }

  @Test
  void oneThatDoesNotListenIsKilled() throws Exception {
    agent.close();
    options = options.withHealth(options.health().withGrace(Duration.ofSeconds(1)));
    agent = Agent.start(options, InstantSource.system());
    Talker stubborn =
        talk(
            grant("stubborn", GIB).environment(),
            java.nio.file.Path.of("/bin/sh"),
            "-c",
            "trap '' TERM; exec " + CProgram.of("working_tenant"));
    assertThat(stubborn.say("init")).isEqualTo(SUCCESS);
    simulate("recovery", "--device", "0", "--action", "1");
    Eventually.soon(() -> assertThat(stubborn.isAlive()).isFalse());
  }

  @Test
  void whereTheDeviceIsToBeDrainedTheyRunToTheirEnd() throws Exception {
    Talker there = program("there", "0");
    simulate("recovery", "--device", "0", "--action", "4");
    Eventually.soon(() -> assertThat(device().state()).isEqualTo("draining"));
    Thread.sleep(Duration.ofSeconds(2));
    assertThat(there.say("grow " + 256 * MIB)).startsWith("0 ");
    simulate("recovery", "--device", "0", "--action", "1");
    Eventually.soon(() -> assertThat(there.isAlive()).isFalse());
  }

  @Test
  void aDrillHurtsNobody() throws Exception {
    Talker there = program("there", "0");
    agent.health().drill(new DrillSpec("0", 95, null, null, false), peer(ownPid()));
    Eventually.soon(() -> assertThat(device().state()).isNotEqualTo("healthy"));
    Eventually.soon(() -> assertThat(device().state()).isEqualTo("healthy"));
    assertThat(there.say("grow " + 256 * MIB)).startsWith("0 ");
  }

  @Test
  void aDrillKeepsNobodyFromLeavingWhatReallyIsOut() throws Exception {
    agent.close();
    options =
        options.withHealth(health().withHold(Duration.ofMinutes(10)).withTenants(OutPolicy.STOP));
    agent = Agent.start(options, InstantSource.system());
    Talker there = program("there", "0");
    agent.health().drill(new DrillSpec("0", 79, null, null, false), peer(ownPid()));
    Eventually.soon(() -> assertThat(device().state()).isEqualTo("lost"));
    simulate("xid", "--device", "0", "--code", "143");
    Eventually.soon(() -> assertThat(there.isAlive()).isFalse());
  }
}
