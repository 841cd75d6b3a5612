package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DeviceView;
import dev.aliquot.agent.view.DrillSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A table with a wrong row, on a node of four devices of which two may be out by it. */
class FaultBreakerTest extends FaultFixture {
  private static final String HELD_BACK =
      "health-device-breaker lets faults that were read take out 2 of 4 devices at once";

  @Override
  int devices() {
    return 4;
  }

  /** What any program can do to any device takes devices out for good by it. */
  @BeforeEach
  void somebodyHasWrittenAWrongRow() throws Exception {
    Path table = options.stateDir().resolveSibling("table.yaml");
    Files.writeString(table, "rows: [{xid: 31, class: replace}]");
    restartWith(health().withOverrides(table));
  }

  private List<DeviceView> devices(String state) {
    return agent.view().devices().stream().filter(device -> device.state().equals(state)).toList();
  }

  @Test
  void itTakesOutNoMoreThanItsShareAndTheNodeGoesOn() throws Exception {
    List<Talker> programs = new ArrayList<>();
    for (int device = 0; device < 4; device++) {
      programs.add(working("t" + device, Integer.toString(device)));
    }
    for (Talker program : programs) {
      assertThat(program.say("wild")).isEqualTo("700");
    }
    Eventually.soon(() -> assertThat(faults("31")).hasSize(4));
    Eventually.soon(() -> assertThat(agent.view().health().heldBack()).isEqualTo(2));
    assertThat(devices("needs-reboot")).hasSize(2);
    assertThat(devices("suspect"))
        .hasSize(2)
        .allSatisfy(
            device -> {
              assertThat(device.stateReason())
                  .startsWith("held back, as " + HELD_BACK + ": XID 31");
              assertThat(device.health()).isEqualTo("healthy");
              assertThat(device.replace()).isFalse();
            });
    Eventually.soon(
        () ->
            assertThat(agent.view().health().degraded())
                .singleElement()
                .asString()
                .startsWith(HELD_BACK + ", and faults of others are held back (GPU "));
    assertThat(working("new", Integer.toString(devices("suspect").getFirst().index())).say("work"))
        .isEqualTo("0");
    agent.health().clear(devices("needs-reboot").getFirst().uuid(), peer(ownPid()));
    Eventually.soon(() -> assertThat(agent.view().health().heldBack()).isEqualTo(1));
    assertThat(devices("needs-reboot")).as("the next one").hasSize(2);
    assertThat(devices("healthy")).hasSize(1);
  }

  @Test
  void whatTheDriverSaysTakesOutAnyNumberAndTheNextAgentKnowsWhich() throws Exception {
    for (int device = 0; device < 4; device++) {
      xid(device, 31);
    }
    Eventually.soon(() -> assertThat(agent.view().health().heldBack()).isEqualTo(2));
    List<String> held = devices("suspect").stream().map(DeviceView::uuid).toList();
    int index = devices("suspect").getFirst().index();
    simulate("recovery", "--device", Integer.toString(index), "--action", "1");
    awaitState(index, "needs-reset");
    assertThat(agent.view().health().heldBack()).isEqualTo(1);
    restartAgent();
    awaitState(index, "needs-reset");
    assertThat(devices("suspect")).extracting(DeviceView::uuid).containsExactly(held.getLast());
    assertThat(devices("needs-reboot")).hasSize(2);
    simulate(
        "lost", "--device", Integer.toString(devices("suspect").getFirst().index()), "--lost", "1");
    Eventually.soon(() -> assertThat(devices("lost")).hasSize(1));
    Eventually.soon(() -> assertThat(agent.view().health().degraded()).isEmpty());
  }

  @Test
  void aDrillSaysThatItWouldBeHeldBack() throws Exception {
    xid(0, 31);
    xid(1, 31);
    Eventually.soon(() -> assertThat(devices("needs-reboot")).hasSize(2));
    assertThat(
            agent.health().drill(new DrillSpec("2", 31, null, null, true), peer(ownPid())).state())
        .isEqualTo("suspect");
    assertThat(
            agent.health().drill(new DrillSpec("2", 79, null, null, true), peer(ownPid())).state())
        .as("a drill is not the driver's word")
        .isEqualTo("suspect");
  }
}
