package dev.aliquot.health.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.device.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JudgementTest {
  private static final NodePolicy ALL =
      new NodePolicy(true, true, Set.of(FaultClass.NODE, FaultClass.REPLACE));

  private static DeviceStanding device(int index, DeviceState state, boolean replace) {
    String why = state == DeviceState.HEALTHY ? "" : "XID 79: it fell off the bus";
    return new DeviceStanding(index, "GPU-" + index, new Verdict(state, why, 1, replace, false));
  }

  private static DeviceStanding device(int index, DeviceState state) {
    return device(index, state, false);
  }

  private static DeviceStanding practice(DeviceStanding device) {
    Verdict real = device.verdict();
    Verdict drill = new Verdict(real.state(), real.reason(), 1, real.replace(), true);
    return new DeviceStanding(device.index(), device.uuid(), drill);
  }

  @Test
  void aNodeWhoseDevicesAreWellIsHealthyAndAsksForNothing() {
    NodeWish wish = Judgement.of(List.of(device(0, DeviceState.HEALTHY)), ALL);
    assertThat(wish.grade()).isEqualTo(Grade.HEALTHY);
    assertThat(wish.condition())
        .isEqualTo(new NodeCondition(true, "AllGpusHealthy", "All GPUs take tenants."));
    assertThat(wish.isDrastic()).isFalse();
  }

  @Test
  void aSuspectDeviceIsToldAndTheNodeStaysHealthy() {
    NodeWish wish = Judgement.of(List.of(device(0, DeviceState.SUSPECT)), ALL);
    assertThat(wish.grade()).isEqualTo(Grade.HEALTHY);
    assertThat(wish.condition().healthy()).isTrue();
    assertThat(wish.condition().reason()).isEqualTo("GpuSuspect");
  }

  @Test
  void aSuspectDeviceIsToldBesideThoseThatAreOutToo() {
    NodeWish wish =
        Judgement.of(
            List.of(device(0, DeviceState.NEEDS_RESET), device(1, DeviceState.SUSPECT)), ALL);
    assertThat(wish.condition().message())
        .isEqualTo(
            "1 of 2 GPUs take no tenants: GPU 0 (GPU-0) needs-reset, XID 79: it fell off the bus;"
                + " suspect: GPU 1 (GPU-1) suspect, XID 79: it fell off the bus");
  }

  @Test
  void theTaintIsOnlyForANodeOfWhichNoDeviceTakesTenants() {
    NodeWish some =
        Judgement.of(
            List.of(device(0, DeviceState.NEEDS_RESET), device(1, DeviceState.HEALTHY)), ALL);
    assertThat(some.grade()).isEqualTo(Grade.DEGRADED);
    assertThat(some.taint()).isFalse();
    assertThat(some.condition().message())
        .isEqualTo(
            "1 of 2 GPUs take no tenants: GPU 0 (GPU-0) needs-reset, XID 79: it fell off the bus");
    NodeWish none =
        Judgement.of(
            List.of(device(0, DeviceState.NEEDS_RESET), device(1, DeviceState.DRAINING)), ALL);
    assertThat(none.grade()).isEqualTo(Grade.UNHEALTHY);
    assertThat(none.taint()).isTrue();
    assertThat(none.condition().reason()).as("the worst").isEqualTo("GpuNeedsReset");
  }

  @ParameterizedTest
  @CsvSource({
    "NEEDS_RESET, false, ''",
    "NEEDS_REBOOT, false, UnschedulablePendingReboot",
    "LOST, false, UnschedulablePendingReboot",
    "LOST, true, UnschedulablePendingReplacement",
    "RECOVERING, false, ''",
    "DRAINING, false, ''"
  })
  void hyperPodIsAskedForWhatTheListAllows(DeviceState state, boolean replace, String label) {
    assertThat(Judgement.of(List.of(device(0, state, replace)), ALL).repair()).isEqualTo(label);
    assertThat(Judgement.of(List.of(device(0, state, replace)), NodePolicy.NONE).isDrastic())
        .as("without having been told to")
        .isFalse();
  }

  @Test
  void onlyPodsOfLostDevicesGo() {
    NodeWish wish =
        Judgement.of(
            List.of(device(0, DeviceState.NEEDS_REBOOT), device(1, DeviceState.LOST)), ALL);
    assertThat(wish.lost()).containsExactly("GPU-1");
  }

  @Test
  void aDrillIsToldAndNothingIsDone() {
    NodeWish wish = Judgement.of(List.of(practice(device(0, DeviceState.LOST, true))), ALL);
    assertThat(wish.grade()).isEqualTo(Grade.UNHEALTHY);
    assertThat(wish.isDrastic()).isFalse();
  }

  @Test
  void theMessageOfManyDevicesStaysReadable() {
    List<DeviceStanding> many = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      Verdict verdict = new Verdict(DeviceState.LOST, "x".repeat(10_000), 1, false, false);
      many.add(new DeviceStanding(i, "GPU-" + i, verdict));
    }
    assertThat(Judgement.of(many, ALL).condition().message())
        .hasSizeLessThan(2000)
        .endsWith("; and 56 more");
  }
}
