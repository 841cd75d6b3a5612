package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.count.FaultCounts;
import dev.aliquot.agent.kmsg.KernelRecord;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.fault.Cause;
import dev.aliquot.nvml.PciAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class KernelFaultsTest extends DeskFixture {
  private static final int KERNEL = 0;
  private static final int USER = 1;

  private final AtomicInteger asked = new AtomicInteger();
  private final Drills drills = new Drills();

  private KernelFaults faults(OptionalLong begin, boolean hostPids) {
    return new KernelFaults(
        Map.of(new PciAddress(0, 1, 0), UUID),
        reports,
        desk,
        new Degradations(),
        drills,
        asked::incrementAndGet,
        this::time,
        this::nanos,
        begin,
        hostPids);
  }

  private void tell(KernelFaults faults, int facility, String text) {
    faults.record(new KernelRecord(1, 1, facility, 4, text), time());
  }

  private FaultView last() {
    return history.all().getLast();
  }

  @Test
  void aPidOfAnotherNamespaceBlamesNobody() {
    owns("bystander", 5);
    String line = "NVRM: Xid (PCI:0000:01:00): 31, pid=5, name=a, x";
    tell(faults(OptionalLong.empty(), false), KERNEL, line);
    assertThat(last().pid()).isZero();
    assertThat(last().process()).isEqualTo("a");
    assertThat(last().tenantName()).isEmpty();
    later(Duration.ofMinutes(1));
    tell(faults(OptionalLong.empty(), true), KERNEL, line);
    assertThat(last().tenantName()).isEqualTo("bystander");
  }

  @Test
  void aDrillNamesAProcessAsTheAgentSeesIt() {
    owns("one", 5);
    String line = drills.marked(Drills.words(new PciAddress(0, 1, 0), 31, 5, "x"));
    tell(faults(OptionalLong.empty(), false), USER, line);
    assertThat(last().drill()).isTrue();
    assertThat(last().tenantName()).isEqualTo("one");
    int before = history.all().size();
    later(Duration.ofMinutes(1));
    tell(faults(OptionalLong.empty(), false), USER, line);
    assertThat(history.all()).as("repeated by somebody who read it").hasSize(before);
  }

  @Test
  void aFaultOfASwitchIsToldAndCountedAndTakesNothingOut() {
    tell(
        faults(OptionalLong.empty(), true),
        KERNEL,
        "nvidia-nvswitch3: SXid (PCI:0000:01:00.0): 00079, Fatal, Link 28 LTSSM Fault Up");
    assertThat(last().code()).isEqualTo("sxid-79");
    assertThat(last().device()).isEqualTo("0000:01:00.0");
    assertThat(last().faultClass()).isEqualTo("watch");
    assertThat(last().message()).isEqualTo("Fatal, Link 28 LTSSM Fault Up");
    assertThat(asked).hasValue(1);
    later(Announcements.PATIENCE);
    assertThat(counters.faults.all())
        .containsEntry(
            new FaultCounts.Kind("0000:01:00.0", "sxid-79", "watch", "", "", "", false), 1L);
    assertThat(state()).isEqualTo("healthy");
    assertThat(FaultHistory.fault(last()).orElseThrow().cause()).isEqualTo(new Cause.Sxid(79));
  }

  @Test
  void whatAProgramWroteIsNoFault() {
    tell(faults(OptionalLong.empty(), true), USER, "NVRM: Xid (PCI:0000:01:00): 79, x");
    assertThat(history.all()).isEmpty();
  }

  @Test
  void whatWasBeforeTheBeginningIsToldAndTakesNothingOut() {
    Instant before = time();
    later(Duration.ofHours(1));
    KernelFaults faults = faults(OptionalLong.of(nanos()), true);
    faults.record(new KernelRecord(1, 1, KERNEL, 4, "NVRM: Xid (PCI:0000:01:00): 143, x"), before);
    assertThat(last().code()).isEqualTo("143");
    assertThat(state()).isEqualTo("healthy");
  }

  @Test
  void aClockThatIsSetBackMakesNothingThatComesThePast() {
    KernelFaults faults = faults(OptionalLong.of(nanos()), true);
    later(Duration.ofSeconds(1));
    wallIsOff(Duration.ofHours(-5));
    tell(faults, KERNEL, "NVRM: Xid (PCI:0000:01:00): 143, x");
    assertThat(state()).isEqualTo("needs-reboot");
  }

  @Test
  void aDeviceThatNobodyKnowsIsToldByItsAddressOrItsName() {
    KernelFaults faults = faults(OptionalLong.empty(), true);
    tell(faults, KERNEL, "NVRM: Xid (PCI:0000:02:00): 79, x");
    assertThat(last().device()).isEqualTo("0000:02:00.0");
    String uuid = "GPU-efbdfde9-5798-a6e7-4c46-12518fa15375";
    tell(faults, KERNEL, "NVRM: GPU at PCI:0000:03:00: " + uuid);
    tell(faults, KERNEL, "NVRM: Xid (PCI:0000:03:00): 79, x");
    assertThat(last().device()).isEqualTo(uuid);
    assertThat(state()).isEqualTo("healthy");
  }

  @Test
  void aProgramsFaultIsNoReasonToAskTheDriver() {
    KernelFaults faults = faults(OptionalLong.empty(), true);
    tell(faults, KERNEL, "NVRM: Xid (PCI:0000:01:00): 31, pid=5, name=a, x");
    assertThat(asked).hasValue(0);
    tell(faults, KERNEL, "NVRM: Xid (PCI:0000:01:00): 63, x");
    assertThat(asked).hasValue(1);
    faults.lost(7);
    assertThat(asked).hasValue(2);
  }
}
