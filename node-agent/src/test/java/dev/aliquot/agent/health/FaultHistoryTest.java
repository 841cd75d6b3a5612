package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.view.FaultView;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class FaultHistoryTest extends DeskFixture {

  private void devices(int count) {
    for (int i = 0; i < count; i++) {
      line("48, x");
      later(Duration.ofSeconds(10));
    }
  }

  private void programs(int count) {
    for (int i = 1; i <= count; i++) {
      line("31, pid=" + i + ", name=a, x");
    }
  }

  private long ofDevices(List<FaultView> faults) {
    return faults.stream().filter(fault -> fault.faultClass().equals("reset")).count();
  }

  @Test
  void whatDevicesHadOutlastsAnyNumberOfProgramsFaults() {
    devices(400);
    programs(5000);
    assertThat(history.all()).hasSize(FaultHistory.MOST);
    assertThat(ofDevices(history.all())).isEqualTo(400);
    assertThat(history.all().getLast().pid()).isEqualTo(5000);
  }

  @Test
  void whereAllAreDevicesTheOldestGoes() {
    devices(FaultHistory.MOST + 1);
    assertThat(history.all()).hasSize(FaultHistory.MOST);
    assertThat(history.all().getFirst().id()).isEqualTo(2);
  }

  @Test
  void theLatestShowWhatADeviceHadBehindABurstOfPrograms() {
    devices(15);
    programs(100);
    List<FaultView> latest = history.latest(20);
    assertThat(latest).hasSize(20).isSortedAccordingTo((a, b) -> Long.compare(a.id(), b.id()));
    assertThat(ofDevices(latest)).isEqualTo(10);
    assertThat(latest.getLast().id()).isEqualTo(115);
    assertThat(latest.getFirst().id()).isEqualTo(6);
  }

  @Test
  void theLatestOfFewAreAll() {
    devices(3);
    programs(2);
    assertThat(history.latest(20)).hasSize(5);
    assertThat(history.nextId()).isEqualTo(6);
    assertThat(new FaultHistory().latest(20)).isEmpty();
    assertThat(new FaultHistory().nextId()).isEqualTo(1);
  }

  @Test
  void aFaultIsTheSameAfterItWasShown() {
    owns("one", 1);
    programs(1);
    event(79);
    for (FaultView view : history.all()) {
      assertThat(FaultHistory.view(FaultHistory.fault(view).orElseThrow())).isEqualTo(view);
    }
  }
}
