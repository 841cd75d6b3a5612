package dev.aliquot.health.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.catalogue.FaultClass;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class CorrelatorTest {
  private static final String DEVICE = "GPU-1";
  private static final Instant BEGIN = Instant.parse("2026-11-29T12:00:00Z");
  private static final Blame TENANT = new Blame("t1", "one", "", "", "");

  private final XidReports reports = new XidReports(Catalogue.builtIn("nvidia"));
  private final Correlator correlator = new Correlator(1);
  private Duration now = Duration.ZERO;

  private Moment moment() {
    return new Moment(BEGIN.plus(now), now.toNanos());
  }

  private Correlator.Outcome line(String rest) {
    return line(DEVICE, rest, Blame.NOBODY);
  }

  private Correlator.Outcome line(String device, String rest, Blame blame) {
    XidLine xid =
        (XidLine) new KernelLineReader().read("NVRM: Xid (PCI:0000:01:00): " + rest).orElseThrow();
    return correlator.take(reports.of(xid, moment(), device, false), () -> blame);
  }

  private Correlator.Outcome event(int code) {
    return correlator.take(
        reports.of(code, Source.NVML_EVENT, moment(), DEVICE, false), () -> Blame.NOBODY);
  }

  private void later(Duration time) {
    now = now.plus(time);
  }

  @Test
  void anEventAndItsLineAreOneFaultWhicheverComesFirst() {
    assertThat(event(31).isNew()).isTrue();
    later(Duration.ofMillis(100));
    Correlator.Outcome line = line(DEVICE, "31, pid=482, name=xid, channel 0x0000000a", TENANT);
    assertThat(line.isNew()).isFalse();
    assertThat(line.fault().pid()).isEqualTo(482);
    assertThat(line.fault().blame()).isEqualTo(TENANT);
    assertThat(line.fault().sources())
        .containsExactlyInAnyOrder(Source.NVML_EVENT, Source.KERNEL_LOG);
    later(Duration.ofMillis(100));
    assertThat(event(31).isNew()).isFalse();
  }

  @Test
  void theThreeLinesOfA13AreOneFault() {
    line("13, Graphics SM Warp Exception on (GPC 1, TPC 4, SM 0): Misaligned Address");
    line("13, Graphics Exception: ESR 0x519730=0x500000f 0x519734=0x0");
    Fault fault =
        line(DEVICE, "13, pid=495, name=xid, Graphics Exception: channel 0x0a", TENANT).fault();
    assertThat(fault.id()).isEqualTo(1);
    assertThat(fault.sightings()).isEqualTo(3);
    assertThat(fault.pid()).isEqualTo(495);
    assertThat(fault.place()).isEqualTo("GPC 1, TPC 4");
    assertThat(fault.blame()).isEqualTo(TENANT);
  }

  @Test
  void twoProcessesAreTwoFaults() {
    Fault one = line("31, pid=1, name=a, x").fault();
    Fault two = line("31, pid=2, name=b, x").fault();
    assertThat(two.id()).isNotEqualTo(one.id());
    assertThat(line("31, pid=1, name=a, y").fault().id()).isEqualTo(one.id());
    assertThat(line("31, pid=2, name=b, y").fault().id()).isEqualTo(two.id());
  }

  @Test
  void twoDevicesAreTwoFaults() {
    assertThat(line("GPU-1", "48, x", Blame.NOBODY).isNew()).isTrue();
    assertThat(line("GPU-2", "48, x", Blame.NOBODY).isNew()).isTrue();
  }

  @Test
  void theSameAgainAfterAWhileIsAnotherOne() {
    line("31, pid=1, name=a, x");
    later(Correlator.WINDOW.plusMillis(1));
    assertThat(line("31, pid=1, name=a, x").isNew()).isTrue();
  }

  @Test
  void aBurstOfTheSameIsOneFaultHoweverLongItLasts() {
    for (int i = 0; i < 100_000; i++) {
      later(Duration.ofMillis(1));
      assertThat(line("31, pid=1, name=a, x").fault().id()).isEqualTo(1);
    }
    assertThat(event(31).fault().sightings()).isEqualTo(100_001);
  }

  @Test
  void aCleanupBelongsToWhatItCleansUpAfter() {
    Fault root = line("31, pid=1, name=a, x").fault();
    later(Duration.ofSeconds(3));
    assertThat(line("45, pid=1, name=a, Ch 8").fault().id()).isEqualTo(root.id());
    assertThat(line("45, pid=1, name=a, Ch 9 caused by previous Xid 31").fault().cause())
        .isEqualTo(new Cause.Xid(31));
  }

  @Test
  void aCleanupOfAnotherProcessIsAFaultOfItsOwn() {
    line("31, pid=1, name=a, x");
    assertThat(line("45, pid=2, name=b, Ch 8").isNew()).isTrue();
    assertThat(line("45, pid=1, name=a, Ch 8 caused by previous Xid 13").isNew()).isTrue();
  }

  @Test
  void afterADevicesFaultTheDriverCleansUpAfterEverybodyAndBlamesNobody() {
    Fault root = line("95, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No").fault();
    for (int pid = 1; pid < 20; pid++) {
      Fault same = line(DEVICE, "45, pid=" + pid + ", name=a, Ch 8", TENANT).fault();
      assertThat(same.id()).isEqualTo(root.id());
      assertThat(same.blame()).isEqualTo(Blame.NOBODY);
    }
  }

  @Test
  void offTheBusIsOneFaultHoweverItIsLearnt() {
    Fault root = line("79, GPU has fallen off the bus.").fault();
    assertThat(event(79).fault().id()).isEqualTo(root.id());
    later(Duration.ofMinutes(1));
    Report lost =
        Report.ofDevice(moment(), DEVICE, Cause.Seen.LOST, FaultClass.RESET, "Gone.", "Look.");
    assertThat(correlator.take(lost, () -> Blame.NOBODY).fault().id()).isEqualTo(root.id());
  }

  @Test
  void detailsOfAMemoryErrorBelongToIt() {
    Fault root = line("48, An uncorrectable double bit error").fault();
    assertThat(line("171, DRAM").fault().id()).isEqualTo(root.id());
    assertThat(line("172, SRAM").fault().id()).isEqualTo(root.id());
    assertThat(line("109, ").isNew()).isTrue();
  }

  @Test
  void anEventWithoutANumberIsWhatTheLineSays() {
    Fault unnumbered = event(999).fault();
    assertThat(unnumbered.faultClass()).isEqualTo(FaultClass.WATCH);
    Fault fault = line("95, Uncontained: x. RST: Yes, D-RST: No").fault();
    assertThat(fault.id()).isEqualTo(unnumbered.id());
    assertThat(fault.cause()).isEqualTo(new Cause.Xid(95));
    assertThat(fault.faultClass()).isEqualTo(FaultClass.RESET);
    assertThat(event(999).fault().id()).isEqualTo(fault.id());
  }

  @Test
  void aGraverLineOfTheSameFaultMakesItGraver() {
    line("145, RLW Nonfatal XC0 i0 Link 13 (0x0409a0c2)");
    assertThat(line("145, RLW Fatal XC0 i0 Link 13 (0x0409a0c2)").fault().faultClass())
        .isEqualTo(FaultClass.RESET);
    assertThat(line("145, RLW Nonfatal XC0 i0 Link 13 (0x0409a0c2)").fault().faultClass())
        .isEqualTo(FaultClass.RESET);
  }

  @Test
  void aJumpOfTheClockMakesNoneOutOfTwoAndNotTwoOutOfOne() {
    Report first = reports.of(31, Source.NVML_EVENT, new Moment(BEGIN, 0), DEVICE, false);
    Report second =
        reports.of(
            31, Source.NVML_EVENT, new Moment(BEGIN.plusSeconds(86_400), 1_000_000), DEVICE, false);
    Report third =
        reports.of(
            31,
            Source.NVML_EVENT,
            new Moment(BEGIN, Duration.ofSeconds(60).toNanos()),
            DEVICE,
            false);
    assertThat(correlator.take(first, () -> Blame.NOBODY).isNew()).isTrue();
    assertThat(correlator.take(second, () -> Blame.NOBODY).isNew()).isFalse();
    assertThat(correlator.take(third, () -> Blame.NOBODY).isNew()).isTrue();
  }

  @Test
  void whatIsRememberedIsBounded() {
    for (int pid = 1; pid <= 10 * Correlator.MOST_OPEN; pid++) {
      assertThat(line("31, pid=" + pid + ", name=a, x").fault().id()).isEqualTo(pid);
    }
    assertThat(line("31, pid=1, name=a, x").isNew()).isTrue();
    assertThat(line("31, pid=" + 10 * Correlator.MOST_OPEN + ", name=a, x").isNew()).isFalse();
  }

  @Test
  void howeverManyFaultsProgramsMakeADevicesStaysKnown() {
    Fault grave = line("95, Uncontained: x. RST: Yes, D-RST: No").fault();
    for (int pid = 1; pid <= 10 * Correlator.MOST_OPEN; pid++) {
      line("31, pid=" + pid + ", name=a, x");
    }
    assertThat(event(95).fault().id()).isEqualTo(grave.id());
    assertThat(line("45, pid=7777, name=neighbour, Ch 8").fault().id()).isEqualTo(grave.id());
  }

  @Test
  void linesOfLongAgoLeaveTheFaultsOfNowKnown() {
    later(Duration.ofHours(3));
    Fault lately = event(79).fault();
    now = Duration.ZERO;
    Fault longAgo = line("31, pid=1, name=a, x").fault();
    assertThat(line("31, pid=1, name=a, y").fault().id()).isEqualTo(longAgo.id());
    later(Duration.ofHours(3));
    assertThat(line("79, GPU has fallen off the bus.").fault().id()).isEqualTo(lately.id());
  }

  @Test
  void whatTurnsOutToBeADevicesFaultIsNobodysAnyMore() {
    String program = "145, pid=5, name=a, RLW ";
    assertThat(line(DEVICE, program + "Nonfatal XC0 i0 Link 13 (0x0)", TENANT).isBlamed()).isTrue();
    Correlator.Outcome fatal = line(DEVICE, program + "Fatal XC0 i0 Link 13 (0x0)", TENANT);
    assertThat(fatal.isGraver()).isTrue();
    assertThat(fatal.fault().blame()).isEqualTo(Blame.NOBODY);
  }

  @Test
  void whoseItIsIsAskedOnlyWhereThatIsNotKnown() {
    line(DEVICE, "31, pid=5, name=a, x", TENANT);
    Report again = reports.of(31, Source.NVML_EVENT, moment(), DEVICE, false);
    Fault same =
        correlator
            .take(
                again,
                () -> {
                  throw new AssertionError("asked");
                })
            .fault();
    assertThat(same.blame()).isEqualTo(TENANT);
  }

  @Test
  void anEventThatTheActionHasChangedIsWhatTheLineSays() {
    Fault event = event(154).fault();
    String line = "154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)";
    Fault fault = line(line).fault();
    assertThat(fault.id()).isEqualTo(event.id());
    assertThat(fault.cause().label()).isEqualTo("recovery-gpu-reset");
    assertThat(event(154).fault().id()).isEqualTo(event.id());
    assertThat(line(line.replace("0x0 (None) to 0x1", "0x1 (None) to 0x0")).isNew()).isTrue();
  }

  @Test
  void causesAreReadAsTheyAreWritten() {
    for (String label :
        List.of("79", "lost", "remap-failed", "recovery-gpu-reset", "recovery-none")) {
      assertThat(Cause.of(label).label()).isEqualTo(label);
    }
  }
}
