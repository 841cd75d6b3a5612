package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FaultDeskTest extends DeskFixture {

  private long counted(String code, String faultClass, String tenant) {
    return counters
        .faults
        .all()
        .getOrDefault(new FaultCounts.Kind(UUID, code, faultClass, "", "", tenant, false), 0L);
  }

  @Test
  void aFaultWhoseEventComesFirstIsCountedOnceAndAsItsTenants() {
    owns("guilty", 5);
    event(31);
    assertThat(counters.faults.all()).as("not yet known whose").isEmpty();
    later(Duration.ofMillis(100));
    line("31, pid=5, name=a, x");
    later(Announcements.PATIENCE);
    assertThat(counters.faults.all()).hasSize(1);
    assertThat(counted("31", "app", "guilty")).isEqualTo(1);
    assertThat(counters.faultReactions.all().get("blame").count()).isEqualTo(1);
  }

  @Test
  void aFaultThatNobodyNamesIsCountedAllTheSame() {
    event(31);
    later(Announcements.PATIENCE);
    assertThat(counted("31", "app", "")).isEqualTo(1);
  }

  @Test
  void aDevicesFaultIsCountedAtOnceAndANumberThatComesLaterCounts() {
    line("95, Uncontained: x. RST: Yes, D-RST: No");
    assertThat(counted("95", "reset", "")).isEqualTo(1);
    event(999);
    later(Duration.ofMillis(10));
    assertThat(counters.faults.all()).hasSize(1);
    later(Duration.ofMinutes(1));
    event(999);
    line("119, pid=5, name=a, Timeout");
    assertThat(counted("119", "reset", "")).isEqualTo(1);
    assertThat(counted("999", "watch", "")).isZero();
  }

  @Test
  void aThousandFaultsWithoutANameAreAllCounted() {
    for (int code = 1; code <= 1000; code++) {
      event(1000 + code);
    }
    later(Announcements.PATIENCE);
    assertThat(counters.faults.all().values().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(1000);
  }

  @Test
  void nobodyIsToBlameForWhatIsOnlyWatched() {
    owns("bystander", 5);
    line("109, pid=5, name=a, errorString CTX SWITCH TIMEOUT");
    assertThat(history.all().getFirst().pid()).isEqualTo(5);
    assertThat(history.all().getFirst().tenantName()).isEmpty();
  }

  @Test
  void fourTenantsWhoseEventsComeFirstMakeTheDeviceSuspect() {
    for (int pid = 1; pid <= 4; pid++) {
      owns("tenant" + pid, pid);
      event(31);
      line("31, pid=" + pid + ", name=python3, x");
      later(Duration.ofMinutes(1));
    }
    assertThat(state()).isEqualTo("suspect");
  }

  @Test
  void whatComesAfterAFaultThatIsOverTakesTheDeviceOutNoMore() {
    says(RecoveryAction.NONE);
    line("143, x");
    assertThat(state()).isEqualTo("needs-reboot");
    desk.clear(device);
    assertThat(state()).isEqualTo("healthy");
    line("45, pid=7, name=a, Ch 8");
    assertThat(state()).isEqualTo("healthy");
    assertThat(history.all()).hasSize(1);
    line("143, y");
    assertThat(state()).as("the same fault again").isEqualTo("needs-reboot");
  }

  private void restart() {
    Map<String, KeptDevice> kept = desk.kept();
    FaultHistory next = new FaultHistory();
    next.restore(history.all());
    device.verdict(Verdict.HEALTHY);
    desk = desk(next, kept);
  }

  @Test
  void theNextAgentKnowsWhatHasRepeatedAndWhatWasCleared() {
    for (int i = 0; i < 10; i++) {
      line("92, x");
      later(Duration.ofMinutes(1));
    }
    assertThat(state()).isEqualTo("suspect");
    restart();
    desk.tick();
    assertThat(state()).isEqualTo("suspect");
    desk.clear(device);
    assertThat(state()).isEqualTo("healthy");
    later(Duration.ofSeconds(1));
    restart();
    desk.tick();
    assertThat(state()).isEqualTo("healthy");
  }

  @Test
  void theNextAgentTrustsADeviceThatRecoversNoSooner() {
    says(RecoveryAction.GPU_RESET);
    says(RecoveryAction.NONE);
    assertThat(state()).isEqualTo("recovering");
    later(HOLD.dividedBy(2));
    restart();
    assertThat(state()).isEqualTo("recovering");
    says(RecoveryAction.NONE);
    later(HOLD.dividedBy(2).minusSeconds(1));
    assertThat(state()).isEqualTo("recovering");
    later(Duration.ofSeconds(1));
    assertThat(state()).isEqualTo("healthy");
  }

  @Test
  void whatTookADeviceOutIsKeptWhileItIsNotThere() {
    line("143, x");
    Map<String, KeptDevice> kept = Map.of("GPU-gone", desk.kept().get(UUID));
    desk = desk(new FaultHistory(), kept);
    assertThat(desk.kept().get("GPU-gone")).isEqualTo(kept.get("GPU-gone"));
  }

  @Test
  void aClockThatWasFarAheadKeepsNoAgentFromStarting() {
    line("31, pid=5, name=a, x");
    FaultHistory odd = new FaultHistory();
    odd.restore(history.all().stream().map(view -> at(view, "+1000000-01-01T00:00:00Z")).toList());
    desk = desk(odd, Map.of());
    odd.restore(history.all().stream().map(view -> at(view, "-1000000-01-01T00:00:00Z")).toList());
    desk = desk(odd, Map.of());
    line("31, pid=5, name=a, x");
    assertThat(odd.all()).hasSize(2);
  }

  private static FaultView at(FaultView view, String time) {
    Instant last = Instant.parse(time);
    return new FaultView(
        view.id(),
        last,
        last,
        view.device(),
        view.code(),
        view.faultClass(),
        view.text(),
        view.action(),
        view.sources(),
        view.sightings(),
        view.pid(),
        view.process(),
        view.tenant(),
        view.tenantName(),
        view.namespace(),
        view.pod(),
        view.container(),
        view.place(),
        view.message(),
        view.drill());
  }

  @Test
  void onlyWhatConcernsADeviceIsUrgent() {
    desk.takeChanged();
    line("31, pid=5, name=a, x");
    assertThat(desk.takeChanged()).isEqualTo(FaultDesk.Changed.PROGRAMS);
    assertThat(desk.takeChanged()).isEqualTo(FaultDesk.Changed.NOTHING);
    line("48, x");
    line("31, pid=5, name=a, x");
    assertThat(desk.takeChanged()).isEqualTo(FaultDesk.Changed.DEVICES);
    desk.condition(UUID, Condition.gone(Condition.Presence.LOST));
    assertThat(desk.takeChanged()).isEqualTo(FaultDesk.Changed.DEVICES);
  }
}
