package dev.aliquot.health.device;

import static dev.aliquot.health.device.DeviceState.DRAINING;
import static dev.aliquot.health.device.DeviceState.HEALTHY;
import static dev.aliquot.health.device.DeviceState.LOST;
import static dev.aliquot.health.device.DeviceState.NEEDS_REBOOT;
import static dev.aliquot.health.device.DeviceState.NEEDS_RESET;
import static dev.aliquot.health.device.DeviceState.RECOVERING;
import static dev.aliquot.health.device.DeviceState.SUSPECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.device.Condition.Presence;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Fault;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.XidReports;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceMachineTest {
  private static final Duration HOLD = Duration.ofSeconds(30);

  private final DeviceMachine machine = machine();
  private final Correlator correlator = new Correlator(1);
  private final XidReports reports = new XidReports(Catalogue.builtIn("nvidia"));
  private long now = Duration.ofDays(1).toNanos();

  private static DeviceMachine machine() {
    return new DeviceMachine("GPU-1", HOLD, new DeviceBreaker(1, 100));
  }

  @BeforeEach
  void theDeviceAnswers() {
    assertThat(action(RecoveryAction.NONE)).isEqualTo(HEALTHY);
  }

  private Fault faultOf(String rest, boolean drill) {
    XidLine line =
        (XidLine) new KernelLineReader().read("NVRM: Xid (PCI:0000:01:00): " + rest).orElseThrow();
    Moment moment = new Moment(Instant.EPOCH, now);
    return correlator.take(reports.of(line, moment, "GPU-1", drill), () -> Blame.NOBODY).fault();
  }

  private DeviceState xid(String rest) {
    return machine.fault(faultOf(rest, false), now).state();
  }

  private DeviceState action(RecoveryAction action) {
    return machine
        .condition(new Condition(Presence.ANSWERS, Optional.of(action), false, false, 0), now)
        .state();
  }

  private DeviceState gone(Presence presence) {
    return machine.condition(Condition.gone(presence), now).state();
  }

  private DeviceState after(Duration time) {
    now += time.toNanos();
    return machine.tick(now).state();
  }

  @ParameterizedTest
  @CsvSource({
    "13, HEALTHY",
    "31, HEALTHY",
    "43, HEALTHY",
    "45, HEALTHY",
    "94, HEALTHY",
    "109, HEALTHY",
    "63, HEALTHY",
    "4711, HEALTHY",
    "48, NEEDS_RESET",
    "62, NEEDS_RESET",
    "95, NEEDS_RESET",
    "119, NEEDS_RESET",
    "143, NEEDS_REBOOT",
    "61, NEEDS_REBOOT",
    "54, NEEDS_REBOOT",
    "79, LOST"
  })
  void aFaultTakesTheDeviceOutOrNotAtOnce(String code, DeviceState state) {
    assertThat(xid(code)).isEqualTo(state);
    assertThat(machine.verdict().fault()).isEqualTo(state == HEALTHY ? 0 : 1);
    assertThat(machine.verdict().replace()).isEqualTo(code.equals("79") || code.equals("54"));
  }

  @Test
  void itIsBackWhenTheDriverWantsNothingAnyMore() {
    assertThat(xid("48")).isEqualTo(NEEDS_RESET);
    assertThat(action(RecoveryAction.GPU_RESET)).isEqualTo(NEEDS_RESET);
    assertThat(after(Duration.ofHours(10))).isEqualTo(NEEDS_RESET);
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
    assertThat(after(HOLD.minusSeconds(1))).isEqualTo(RECOVERING);
    assertThat(after(Duration.ofSeconds(1))).isEqualTo(HEALTHY);
    assertThat(machine.claims()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "GPU_RESET, NEEDS_RESET", "BUS_RESET, NEEDS_RESET", "NODE_REBOOT, NEEDS_REBOOT",
    "SYSTEM_REBOOT, NEEDS_REBOOT", "DRAIN_P2P, DRAINING", "DRAIN_AND_RESET, DRAINING",
    "RECOVER_IMEX_DOMAIN, SUSPECT", "UNKNOWN, SUSPECT", "NONE, HEALTHY"
  })
  void theDriversOwnWordCountsWithoutAnyFault(RecoveryAction action, DeviceState state) {
    assertThat(action(action)).isEqualTo(state);
  }

  @Test
  void theDriversOwnWordCountsForMoreThanTheTable() {
    assertThat(xid("95")).isEqualTo(NEEDS_RESET);
    assertThat(action(RecoveryAction.NODE_REBOOT)).isEqualTo(NEEDS_REBOOT);
    assertThat(action(RecoveryAction.DRAIN_AND_RESET)).isEqualTo(DRAINING);
    assertThat(action(RecoveryAction.GPU_RESET)).isEqualTo(NEEDS_RESET);
    assertThat(machine.verdict().reason()).contains("the device reset").contains("XID 95");
  }

  @Test
  void aDriverThatWantsNothingForAWhileIsBelieved() {
    assertThat(xid("119")).isEqualTo(NEEDS_RESET);
    now += HOLD.minusSeconds(1).toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(NEEDS_RESET);
    now += Duration.ofSeconds(1).toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
    assertThat(after(HOLD)).isEqualTo(HEALTHY);
  }

  @Test
  void butNotWhereTheNodeHasToBeRebooted() {
    assertThat(xid("143")).isEqualTo(NEEDS_REBOOT);
    now += Duration.ofDays(3).toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(NEEDS_REBOOT);
    assertThat(machine.clear(now).state()).isEqualTo(HEALTHY);
  }

  @Test
  void aDriverThatCannotSayWhatItWantsIsNotBelieved() {
    Condition old = new Condition(Presence.ANSWERS, Optional.empty(), false, false, 0);
    machine.condition(old, now);
    assertThat(xid("48")).isEqualTo(NEEDS_RESET);
    now += Duration.ofDays(3).toNanos();
    assertThat(machine.condition(old, now).state()).isEqualTo(NEEDS_RESET);
    assertThat(machine.clear(now).state()).isEqualTo(HEALTHY);
  }

  @Test
  void aLostDeviceThatAnswersAgainHasBeenReset() {
    assertThat(xid("79")).isEqualTo(LOST);
    assertThat(gone(Presence.LOST)).isEqualTo(LOST);
    assertThat(xid("143")).isEqualTo(LOST);
    assertThat(after(Duration.ofDays(1))).isEqualTo(LOST);
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
    assertThat(after(HOLD)).isEqualTo(HEALTHY);
  }

  @Test
  void alsoWhereTheDriverIsSilentForAWhileOrTheAgentIsStartedAgainMeanwhile() {
    assertThat(xid("79")).isEqualTo(LOST);
    assertThat(xid("143")).isEqualTo(LOST);
    gone(Presence.LOST);
    gone(Presence.SILENT);
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), Condition.NOTHING_SAID, now).state()).isEqualTo(LOST);
    Condition old = new Condition(Presence.ANSWERS, Optional.empty(), false, false, 0);
    assertThat(next.condition(old, now).state()).isEqualTo(RECOVERING);
    assertThat(next.claims()).isEmpty();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
  }

  @Test
  void aDomainThatWaitsToBeRecoveredKeepsNoDeviceOut() {
    assertThat(xid("48")).isEqualTo(NEEDS_RESET);
    now += HOLD.toNanos();
    assertThat(action(RecoveryAction.RECOVER_IMEX_DOMAIN)).isEqualTo(RECOVERING);
    assertThat(after(HOLD)).isEqualTo(SUSPECT);
  }

  @Test
  void aDeviceThatIsOnlySaidToBeLostIsBack() {
    assertThat(xid("79")).isEqualTo(LOST);
    assertThat(action(RecoveryAction.NONE)).isEqualTo(LOST);
    now += HOLD.toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
  }

  @Test
  void aSilentDeviceTakesNoTenantsAndIsBackWhenItAnswers() {
    assertThat(gone(Presence.SILENT)).isEqualTo(NEEDS_RESET);
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
    assertThat(after(HOLD)).isEqualTo(HEALTHY);
  }

  @Test
  void memoryThatWaitsForAResetMakesItSuspectAndMemoryThatFailedTakesItOut() {
    Condition pending =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), true, false, 1);
    assertThat(machine.condition(pending, now).state()).isEqualTo(SUSPECT);
    Condition failed =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), false, true, 1);
    assertThat(machine.condition(failed, now).state()).isEqualTo(NEEDS_REBOOT);
    assertThat(machine.verdict().replace()).isTrue();
  }

  @Test
  void aSuspicionIsNoMoreThanThat() {
    assertThat(machine.suspect("XID 13 at GPC 1, TPC 4 by 3 programs", now).state())
        .isEqualTo(SUSPECT);
    assertThat(machine.verdict().state().takesTenants()).isTrue();
    assertThat(machine.suspect("", now).state()).isEqualTo(HEALTHY);
  }

  @Test
  void whatComesAndGoesStaysOutLongerEachTime() {
    Duration out = Duration.ZERO;
    Duration before = Duration.ZERO;
    for (int i = 0; i < 4; i++) {
      assertThat(action(RecoveryAction.GPU_RESET)).isEqualTo(NEEDS_RESET);
      assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
      out = Duration.ZERO;
      while (after(Duration.ofSeconds(1)) != HEALTHY) {
        out = out.plusSeconds(1);
      }
      assertThat(out).isGreaterThan(before);
      before = out;
    }
    assertThat(out).isEqualTo(HOLD.multipliedBy(8).minusSeconds(1));
  }

  @Test
  void flappingAHundredTimesAMinuteIsSeenAsOneOutage() {
    int changes = 0;
    DeviceState before = HEALTHY;
    for (int i = 0; i < 100; i++) {
      now += Duration.ofMillis(300).toNanos();
      action(RecoveryAction.GPU_RESET);
      now += Duration.ofMillis(300).toNanos();
      boolean taken = action(RecoveryAction.NONE).takesTenants();
      changes += taken == before.takesTenants() ? 0 : 1;
      before = machine.verdict().state();
    }
    assertThat(changes).isEqualTo(1);
    assertThat(before).isEqualTo(RECOVERING);
  }

  @Test
  void aDrillEndsByItself() {
    assertThat(machine.fault(faultOf("143", true), now).state()).isEqualTo(NEEDS_REBOOT);
    assertThat(machine.verdict().reason()).startsWith("a drill: XID 143");
    now += HOLD.toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
  }

  @Test
  void aDrillEndsByItselfWhateverTheDriverCanSay() {
    Condition old = new Condition(Presence.ANSWERS, Optional.empty(), false, false, 0);
    machine.condition(old, now);
    assertThat(machine.fault(faultOf("143", true), now).state()).isEqualTo(NEEDS_REBOOT);
    assertThat(after(HOLD)).isEqualTo(RECOVERING);
    assertThat(after(HOLD)).isEqualTo(HEALTHY);
  }

  @Test
  void aDrillTakesNothingBackOfWhatReallyHappened() {
    assertThat(xid("143")).isEqualTo(NEEDS_REBOOT);
    now += Duration.ofSeconds(10).toNanos();
    assertThat(machine.fault(faultOf("143", true), now).state()).isEqualTo(NEEDS_REBOOT);
    assertThat(machine.verdict().reason()).startsWith("XID 143");
    assertThat(after(HOLD.multipliedBy(2))).isEqualTo(NEEDS_REBOOT);
  }

  @Test
  void whatReallyHappensIsNoDrillHoweverGraveTheDrill() {
    machine.fault(faultOf("79", true), now);
    assertThat(machine.verdict().drill()).isTrue();
    Fault real = faultOf("48", false);
    machine.fault(real, now);
    assertThat(machine.verdict().fault()).isEqualTo(real.id());
    assertThat(machine.verdict().state()).isEqualTo(NEEDS_RESET);
    assertThat(machine.verdict().reason()).startsWith("XID 48");
    assertThat(machine.verdict().drill()).isFalse();
    assertThat(machine.verdict().replace()).as("only for practice").isFalse();
  }

  @Test
  void whatTheDriverSaysIsNoDrill() {
    machine.fault(faultOf("79", true), now);
    assertThat(action(RecoveryAction.GPU_RESET)).isEqualTo(NEEDS_RESET);
    assertThat(machine.verdict().drill()).isFalse();
    assertThat(machine.verdict().fault()).isZero();
    assertThat(gone(Presence.LOST)).isEqualTo(LOST);
    assertThat(machine.verdict().drill()).isFalse();
    assertThat(gone(Presence.SILENT)).isEqualTo(NEEDS_RESET);
    assertThat(machine.verdict().drill()).isFalse();
    assertThat(machine.verdict().replace()).isFalse();
  }

  @Test
  void aDeviceThatRecoversFromADrillIsOutForPracticeToTheEnd() {
    machine.fault(faultOf("143", true), now);
    assertThat(after(HOLD)).isEqualTo(RECOVERING);
    assertThat(machine.verdict().drill()).isTrue();
    assertThat(after(HOLD)).isEqualTo(HEALTHY);
    assertThat(machine.verdict().drill()).isFalse();
    assertThat(action(RecoveryAction.GPU_RESET)).isEqualTo(NEEDS_RESET);
    machine.fault(faultOf("143", true), now);
    now += HOLD.toNanos();
    assertThat(action(RecoveryAction.NONE)).isEqualTo(RECOVERING);
    assertThat(machine.verdict().drill()).as("the driver wanted it reset, too").isFalse();
  }

  @ParameterizedTest
  @CsvSource({"DRAIN_P2P", "RECOVER_IMEX_DOMAIN", "UNKNOWN"})
  void anActionThatHealsNothingEndsNoClaim(RecoveryAction action) {
    action(action);
    assertThat(xid("143").takesTenants()).isFalse();
    action(action);
    assertThat(action(RecoveryAction.NONE)).isEqualTo(NEEDS_REBOOT);
    assertThat(after(HOLD.multipliedBy(2))).isEqualTo(NEEDS_REBOOT);
  }

  @Test
  void theNextAgentTrustsItNoSooner() {
    for (int i = 0; i < 3; i++) {
      action(RecoveryAction.GPU_RESET);
      action(RecoveryAction.NONE);
      after(HOLD.multipliedBy(i == 2 ? 1 : 9));
    }
    assertThat(machine.verdict().state()).isEqualTo(RECOVERING);
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), Condition.NOTHING_SAID, now).state())
        .isEqualTo(RECOVERING);
    Condition well =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), false, false, 0);
    now += HOLD.multipliedBy(2).toNanos();
    assertThat(next.condition(well, now).state()).as("after 3 of 4 holds").isEqualTo(RECOVERING);
    now += HOLD.toNanos();
    assertThat(next.condition(well, now).state()).isEqualTo(HEALTHY);
  }

  @Test
  void whatOnlyTheDriverWantedIsNotForgottenWithTheAgent() {
    action(RecoveryAction.GPU_RESET);
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), Condition.NOTHING_SAID, now).state())
        .isEqualTo(RECOVERING);
  }

  @Test
  void whatTheDriverWantedCountsUntilItIsAsked() {
    Condition wanted =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.GPU_RESET), false, false, 0);
    machine.condition(wanted, now);
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), wanted, now)).isEqualTo(machine.verdict());
    Condition well =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), false, false, 0);
    assertThat(next.condition(well, now).state()).isEqualTo(RECOVERING);
  }

  @Test
  void thatTheDriverWantedNothingEndsNoClaimBeforeItIsAsked() {
    xid("48");
    now += HOLD.toNanos();
    Condition well =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), false, false, 0);
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), well, now).state()).isEqualTo(NEEDS_RESET);
    assertThat(next.condition(well, now).state()).isEqualTo(RECOVERING);
  }

  @Test
  void aClaimFromAnotherClockDoesNotLastForEver() {
    xid("48");
    DeviceMachine next = machine();
    now -= Duration.ofHours(20).toNanos();
    next.restore(machine.past(), Condition.NOTHING_SAID, now);
    now += HOLD.toNanos();
    Condition well =
        new Condition(Presence.ANSWERS, Optional.of(RecoveryAction.NONE), false, false, 0);
    assertThat(next.condition(well, now).state()).isEqualTo(RECOVERING);
  }

  @Test
  void theNextAgentCarriesOnWithWhatTookItOut() {
    xid("143");
    DeviceMachine next = machine();
    assertThat(next.restore(machine.past(), Condition.NOTHING_SAID, now).state())
        .isEqualTo(NEEDS_REBOOT);
    assertThat(next.verdict().reason()).isEqualTo(machine.verdict().reason());
    assertThat(next.verdict().fault()).isEqualTo(1);
  }
}
