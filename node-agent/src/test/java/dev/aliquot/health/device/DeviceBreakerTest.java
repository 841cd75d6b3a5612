package dev.aliquot.health.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.fault.Blame;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.health.fault.Correlator;
import dev.aliquot.health.fault.Fault;
import dev.aliquot.health.fault.Moment;
import dev.aliquot.health.fault.Report;
import dev.aliquot.health.fault.Source;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceBreakerTest {
  private static final Duration HOLD = Duration.ofSeconds(30);

  private final Correlator correlator = new Correlator(1);
  private long now = Duration.ofDays(1).toNanos();
  private List<DeviceMachine> devices = List.of();
  private DeviceBreaker breaker = new DeviceBreaker(0, 0);

  private void node(int count, double percent) {
    breaker = new DeviceBreaker(count, percent);
    devices =
        IntStream.range(0, count)
            .mapToObj(device -> new DeviceMachine("GPU-" + device, HOLD, breaker))
            .toList();
    IntStream.range(0, count).forEach(device -> says(device, RecoveryAction.NONE));
  }

  private void says(int device, RecoveryAction action) {
    devices
        .get(device)
        .condition(
            new Condition(Condition.Presence.ANSWERS, Optional.of(action), false, false, 0), now);
  }

  private void fault(int device, int code, FaultClass faultClass, boolean drill) {
    Report report =
        new Report(
            Source.KERNEL_LOG,
            new Moment(Instant.EPOCH, now),
            "GPU-" + device,
            new Cause.Xid(code),
            faultClass,
            "something happened",
            "",
            OptionalInt.empty(),
            "",
            "",
            "",
            OptionalInt.empty(),
            drill);
    Fault fault = correlator.take(report, () -> Blame.NOBODY).fault();
    devices.get(device).fault(fault, now);
  }

  private void fault(int device) {
    fault(device, 31, FaultClass.NODE, false);
  }

  private void later(Duration time) {
    now += time.toNanos();
    devices.forEach(device -> device.tick(now));
  }

  private DeviceState state(int device) {
    return devices.get(device).verdict().state();
  }

  private long out() {
    return devices.stream().filter(device -> !device.verdict().state().takesTenants()).count();
  }

  private long heldBack() {
    return devices.stream().filter(DeviceMachine::isHeldBack).count();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 50, 1",
    "2, 50, 1",
    "4, 50, 2",
    "8, 50, 4",
    "8, 0, 1",
    "8, 12, 1",
    "8, 100, 8",
    "3, 50, 1",
    "4, 74, 2",
    "4, 75, 3"
  })
  void aFaultOnEveryDeviceTakesOutNoMoreThanTheShare(int count, double percent, int most) {
    node(count, percent);
    for (int device = 0; device < count; device++) {
      fault(device);
    }
    assertThat(out()).isEqualTo(most);
    assertThat(heldBack()).isEqualTo(count - most);
  }

  @Test
  void aDrillOfADeviceThatIsGoneIsHeldBackLikeAnyOther() {
    node(8, 50);
    IntStream.range(0, 8).forEach(device -> fault(device, 79, FaultClass.NODE, true));
    assertThat(out()).isEqualTo(4);
    IntStream.range(0, 8).forEach(device -> fault(device, 79, FaultClass.NODE, false));
    assertThat(out()).as("what is gone is gone").isEqualTo(8);
  }

  @Test
  void aDrillThatIsHeldBackHidesNothingReal() {
    node(2, 50);
    fault(0);
    devices.get(1).suspect("the same fault comes from many", now);
    fault(1, 95, FaultClass.RESET, true);
    assertThat(devices.get(1).verdict())
        .isEqualTo(Verdict.ofDevice(DeviceState.SUSPECT, "the same fault comes from many", false));
  }

  @Test
  void oneThatRecoversFromTheDriversOwnWordTakesNoPlaceOverARestart() {
    node(2, 50);
    says(0, RecoveryAction.GPU_RESET);
    says(0, RecoveryAction.NONE);
    assertThat(state(0)).isEqualTo(DeviceState.RECOVERING);
    Past past = devices.getFirst().past();
    node(2, 50);
    devices.getFirst().restore(past, Condition.NOTHING_SAID, now);
    assertThat(state(0)).isEqualTo(DeviceState.RECOVERING);
    fault(1, 95, FaultClass.RESET, false);
    assertThat(state(1).takesTenants()).isFalse();
  }

  @Test
  void oneThatIsHeldBackTakesTenantsAndSaysWhy() {
    node(4, 50);
    IntStream.range(0, 4).forEach(this::fault);
    Verdict held = devices.get(3).verdict();
    assertThat(held.state()).isEqualTo(DeviceState.SUSPECT);
    assertThat(held.reason())
        .isEqualTo(
            "held back, as health-device-breaker lets faults that were read take out 2 of 4 devices"
                + " at once: XID 31: something happened");
    assertThat(held.replace()).isFalse();
  }

  @Test
  void itIsTakenOutWhenAnotherTakesTenantsAgainAndNotBefore() {
    node(4, 25);
    fault(0, 31, FaultClass.RESET, false);
    fault(3);
    assertThat(state(0)).isEqualTo(DeviceState.NEEDS_RESET);
    assertThat(state(3)).isEqualTo(DeviceState.SUSPECT);
    later(HOLD);
    assertThat(state(0)).isEqualTo(DeviceState.RECOVERING);
    later(HOLD.minusSeconds(1));
    assertThat(state(3)).as("the first one recovers").isEqualTo(DeviceState.SUSPECT);
    later(Duration.ofSeconds(1));
    assertThat(state(0)).isEqualTo(DeviceState.HEALTHY);
    assertThat(state(3)).isEqualTo(DeviceState.NEEDS_REBOOT);
    assertThat(heldBack()).isZero();
  }

  @Test
  void oneThatIsClearedMakesRoomForAnother() {
    node(2, 50);
    fault(0);
    fault(1);
    devices.get(0).clear(now);
    later(Duration.ofMillis(500));
    assertThat(state(0)).isEqualTo(DeviceState.HEALTHY);
    assertThat(state(1)).isEqualTo(DeviceState.NEEDS_REBOOT);
  }

  @Test
  void whatTheDriverSaysOfADeviceIsNotHeldBack() {
    node(4, 25);
    fault(0);
    fault(1);
    assertThat(state(1)).isEqualTo(DeviceState.SUSPECT);
    says(1, RecoveryAction.GPU_RESET);
    assertThat(state(1)).isEqualTo(DeviceState.NEEDS_RESET);
    devices.get(2).condition(Condition.gone(Condition.Presence.LOST), now);
    assertThat(state(2)).isEqualTo(DeviceState.LOST);
    devices.get(3).condition(Condition.gone(Condition.Presence.SILENT), now);
    assertThat(state(3)).isEqualTo(DeviceState.NEEDS_RESET);
    assertThat(heldBack()).isZero();
  }

  @Test
  void thatADeviceIsOffTheBusIsNotHeldBackEither() {
    node(4, 25);
    fault(0);
    fault(1, 79, FaultClass.REPLACE, false);
    assertThat(state(1)).isEqualTo(DeviceState.LOST);
    assertThat(devices.get(1).verdict().replace()).isTrue();
  }

  @Test
  void whatTheDriverSaysMakesRoomForWhatIsHeldBack() {
    node(4, 25);
    fault(0);
    fault(1);
    says(0, RecoveryAction.NODE_REBOOT);
    later(Duration.ofMillis(500));
    assertThat(state(0)).isEqualTo(DeviceState.NEEDS_REBOOT);
    assertThat(state(1)).isEqualTo(DeviceState.NEEDS_REBOOT);
  }

  @Test
  void aDrillIsHeldBackAndHoldsBackNothingThatHappens() {
    node(4, 50);
    fault(0, 143, FaultClass.NODE, true);
    fault(1, 143, FaultClass.NODE, true);
    fault(2, 143, FaultClass.NODE, true);
    assertThat(state(2)).isEqualTo(DeviceState.SUSPECT);
    fault(2);
    fault(3);
    assertThat(state(2)).isEqualTo(DeviceState.NEEDS_REBOOT);
    assertThat(state(3)).isEqualTo(DeviceState.NEEDS_REBOOT);
    assertThat(devices.get(3).verdict().drill()).isFalse();
  }

  @Test
  void theNextAgentHoldsBackTheSame() {
    node(4, 50);
    for (int device = 3; device >= 0; device--) {
      fault(device);
    }
    List<DeviceState> before = devices.stream().map(each -> each.verdict().state()).toList();
    List<Past> pasts = devices.stream().map(DeviceMachine::past).toList();
    node(4, 25);
    List.of(2, 3, 0, 1)
        .forEach(
            device -> devices.get(device).restore(pasts.get(device), Condition.NOTHING_SAID, now));
    assertThat(devices).extracting(each -> each.verdict().state()).isEqualTo(before);
    devices.get(2).clear(now);
    later(Duration.ofSeconds(1));
    assertThat(out()).as("the share is smaller now").isEqualTo(1);
  }

  /** What has been done to a device, as the rule has it: whether the driver itself had a word. */
  private static final class Model {
    RecoveryAction action = RecoveryAction.NONE;
    Condition.Presence presence = Condition.Presence.ANSWERS;
    boolean offTheBus;
    boolean fact;

    Condition condition() {
      return presence == Condition.Presence.ANSWERS
          ? new Condition(presence, Optional.of(action), false, false, 0)
          : Condition.gone(presence);
    }

    void look(DeviceMachine device) {
      if (device.verdict().state().takesTenants()) {
        fact = false;
        offTheBus = false;
      }
      fact |= offTheBus || presence != Condition.Presence.ANSWERS || action != RecoveryAction.NONE;
    }
  }

  private static final RecoveryAction[] ACTIONS = {
    RecoveryAction.NONE,
    RecoveryAction.NONE,
    RecoveryAction.NONE,
    RecoveryAction.GPU_RESET,
    RecoveryAction.NODE_REBOOT
  };
  private static final List<Condition.Presence> PRESENCES =
      List.of(
          Condition.Presence.ANSWERS,
          Condition.Presence.ANSWERS,
          Condition.Presence.ANSWERS,
          Condition.Presence.ANSWERS,
          Condition.Presence.LOST,
          Condition.Presence.SILENT);
  private static final FaultClass[] CLASSES = {
    FaultClass.RESET, FaultClass.NODE, FaultClass.REPLACE
  };

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whateverHappensNoMoreThanTheShareAreOutByWhatWasReadAndNothingWaitsWhereThereIsRoom(
      int seed) {
    Random random = new Random(seed);
    int count = 2 + random.nextInt(15);
    double percent = random.nextInt(61);
    int most = Math.max(1, (int) (count * percent / 100));
    node(count, percent);
    List<Model> models = new ArrayList<>();
    devices.forEach(device -> models.add(new Model()));
    long heldBackAtAll = 0;
    for (int step = 0; step < 2500; step++) {
      int device = random.nextInt(count);
      Model model = models.get(device);
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> fault(device, 1 + random.nextInt(3), CLASSES[random.nextInt(3)], false);
        case 4 -> {
          fault(device, 79, FaultClass.REPLACE, false);
          model.offTheBus = true;
        }
        case 5 -> {
          fault(device, 140 + random.nextInt(3), FaultClass.NODE, true);
        }
        case 6, 7 -> model.action = ACTIONS[random.nextInt(ACTIONS.length)];
        case 8 -> model.presence = PRESENCES.get(random.nextInt(PRESENCES.size()));
        case 9 -> {
          devices.get(device).clear(now);
          model.offTheBus = false;
        }
        default -> now += Duration.ofMillis(random.nextInt(60_000)).toNanos();
      }
      // as an agent does: each device is asked, then looked at; what gives room is seen a look
      // later
      for (int each = 0; each < count; each++) {
        devices.get(each).condition(models.get(each).condition(), now);
      }
      later(Duration.ofMillis(500));
      later(Duration.ZERO);
      int read = 0;
      for (int each = 0; each < count; each++) {
        models.get(each).look(devices.get(each));
        Verdict verdict = devices.get(each).verdict();
        boolean out = !verdict.state().takesTenants();
        read += out && !models.get(each).fact && !verdict.drill() ? 1 : 0;
      }
      assertThat(read).as("step %d: out by what was read", step).isLessThanOrEqualTo(most);
      assertThat((long) breaker.taken()).as("step %d: places", step).isLessThanOrEqualTo(out());
      if (heldBack() > 0) {
        heldBackAtAll++;
        assertThat(breaker.taken()).as("step %d: one waits", step).isGreaterThanOrEqualTo(most);
      }
    }
    assertThat(heldBackAtAll).as("what is looked for happens").isPositive();
  }
}
