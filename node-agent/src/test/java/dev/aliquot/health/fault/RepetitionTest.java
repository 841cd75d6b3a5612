package dev.aliquot.health.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.health.catalogue.Catalogue;
import dev.aliquot.health.line.KernelLineReader;
import dev.aliquot.health.line.XidLine;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RepetitionTest {
  private final Repetition repetition = new Repetition();
  private final XidReports reports = new XidReports(Catalogue.builtIn("nvidia"));
  private long now = Duration.ofDays(1).toNanos();
  private long lastId;

  private Fault fault(String rest, Blame blame, boolean drill) {
    XidLine line =
        (XidLine) new KernelLineReader().read("NVRM: Xid (PCI:0000:01:00): " + rest).orElseThrow();
    Moment moment = new Moment(Instant.EPOCH, now);
    return Fault.of(++lastId, reports.of(line, moment, "GPU-1", drill), blame);
  }

  private void add(String rest, Blame blame) {
    repetition.add(fault(rest, blame, false), now);
  }

  private static Blame tenant(int i) {
    return new Blame("t" + i, "name" + i, "", "", "");
  }

  private static Blame pod(int tenant, String pod) {
    return new Blame("t" + tenant, "name" + tenant, "ns", pod, "c");
  }

  @Test
  void oneKindOfFaultOfFourTenantsMakesTheDeviceSuspect() {
    for (int i = 1; i <= 3; i++) {
      add("31, pid=" + i + ", name=python3, x", tenant(i));
      assertThat(repetition.suspicion(now)).isEmpty();
    }
    add("31, pid=4, name=python3, x", tenant(4));
    assertThat(repetition.suspicion(now)).contains("XID 31 by 4 programs in a day");
  }

  @Test
  void aProgramThatFailsAgainAndAgainIsAProgramsFault() {
    for (int i = 0; i < 100; i++) {
      add("31, pid=" + (i + 1) + ", name=bare, x", Blame.NOBODY);
      add("31, pid=" + (i + 1) + ", name=a, x", tenant(1));
      Blame unnamed = new Blame("t" + i, "t" + i, "", "", "");
      add("31, pid=" + (i + 1) + ", name=bare, x", unnamed);
    }
    assertThat(repetition.suspicion(now)).isEmpty();
  }

  @Test
  void aContainerThatIsStartedAgainIsTheSamePod() {
    for (int i = 0; i < 100; i++) {
      add("43, pid=" + (i + 1) + ", name=a, x", pod(i, "train-0"));
    }
    assertThat(repetition.suspicion(now)).isEmpty();
  }

  @Test
  void faultsOfDifferentKindsAreNotAddedUp() {
    add("31, pid=1, name=a, x", tenant(1));
    add("43, pid=2, name=a, x", tenant(2));
    add("69, pid=3, name=a, x", tenant(3));
    add("68, pid=4, name=a, x", tenant(4));
    assertThat(repetition.suspicion(now)).isEmpty();
  }

  @Test
  void anXid13CountsByItsPlaceOnTheDevice() {
    for (int i = 1; i <= 6; i++) {
      String place = "GPC 1, TPC " + (i <= 3 ? 4 : i + 10);
      Fault fault =
          fault("13, Graphics SM Warp Exception on (" + place + ", SM 0): x", tenant(i), false);
      repetition.add(fault, now);
    }
    assertThat(repetition.suspicion(now)).isEmpty();
    repetition.add(
        fault("13, Graphics SM Warp Exception on (GPC 1, TPC 4, SM 1): x", tenant(9), false), now);
    assertThat(repetition.suspicion(now)).contains("XID 13 at GPC 1, TPC 4 by 4 programs in a day");
  }

  @Test
  void whatIsWatchedMakesTheDeviceSuspectTheTenthTime() {
    for (int i = 1; i <= 9; i++) {
      add("92, x", Blame.NOBODY);
    }
    assertThat(repetition.suspicion(now)).isEmpty();
    add("92, x", Blame.NOBODY);
    assertThat(repetition.suspicion(now)).contains("XID 92 10 times in a day");
  }

  @Test
  void aDayLaterItIsForgotten() {
    for (int i = 1; i <= 10; i++) {
      add("92, x", Blame.NOBODY);
    }
    now += Repetition.PERIOD.toNanos();
    assertThat(repetition.suspicion(now)).isPresent();
    now += 1;
    assertThat(repetition.suspicion(now)).isEmpty();
  }

  @Test
  void whatSomebodyHasLookedAtIsForgotten() {
    for (int i = 1; i <= 10; i++) {
      add("92, x", Blame.NOBODY);
    }
    repetition.clear();
    assertThat(repetition.suspicion(now)).isEmpty();
  }

  @Test
  void aTenantsFloodHidesNothingElse() {
    for (int i = 1; i <= 9; i++) {
      add("92, x", Blame.NOBODY);
    }
    for (int i = 1; i <= 3; i++) {
      add("43, pid=1, name=a, x", tenant(i));
    }
    for (int i = 0; i < 10_000; i++) {
      add("31, pid=" + (i + 1) + ", name=a" + i + ", x", tenant(1));
      add("43, pid=" + (i + 1) + ", name=a, x", tenant(1));
    }
    add("92, x", Blame.NOBODY);
    assertThat(repetition.suspicion(now)).contains("XID 92 10 times in a day");
    add("43, pid=1, name=a, x", tenant(4));
    assertThat(repetition.suspicion(now)).contains("XID 43 by 4 programs in a day");
  }

  @Test
  void drillsCleanupsAndDevicesFaultsAreNotCounted() {
    for (int i = 1; i <= 20; i++) {
      repetition.add(fault("31, pid=" + i + ", name=a, x", tenant(i), true), now);
      add("45, pid=" + i + ", name=a, Ch 1", tenant(i));
      add("48, x", Blame.NOBODY);
      add("63, x", Blame.NOBODY);
    }
    assertThat(repetition.suspicion(now)).isEmpty();
  }
}
