package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.health.fault.Blame;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CulpritsTest extends DeskFixture {
  private static final OptionalInt PID = OptionalInt.of(5);

  private final Culprits culprits =
      new Culprits(inventory, pid -> Optional.ofNullable(owners.get(pid)));

  private String tenantAt(long momentNanos) {
    return culprits.of(PID, momentNanos, nanos()).name();
  }

  private void isOnTheDevice() {
    device.reading(new DeviceReading(0, Map.of(5, 1L), -1, -1, -1, -1));
    culprits.remember(nanos());
  }

  private void takesOver(String tenant, Duration age) {
    owners.put(5, new Culprits.Owner(new Blame(tenant, tenant, "", "", ""), age.toNanos()));
  }

  @Test
  void aProcessThatIsThereIsItsTenants() {
    owns("one", 5);
    assertThat(tenantAt(nanos())).isEqualTo("one");
    assertThat(culprits.of(OptionalInt.empty(), nanos(), nanos())).isEqualTo(Blame.NOBODY);
  }

  @Test
  void aProcessThatWasStartedAfterTheFaultIsNotToBlame() {
    long fault = nanos();
    later(Duration.ofHours(1));
    takesOver("newcomer", Duration.ofMinutes(1));
    assertThat(tenantAt(fault)).isEmpty();
    assertThat(tenantAt(nanos())).isEqualTo("newcomer");
  }

  @Test
  void oneThatIsGoneIsStillToBlameThoughItsNumberIsAnothers() {
    owns("guilty", 5);
    isOnTheDevice();
    long fault = nanos();
    later(Duration.ofSeconds(10));
    takesOver("newcomer", Duration.ofSeconds(5));
    assertThat(tenantAt(fault)).isEqualTo("guilty");
  }

  @Test
  void oneThatAttachedAndIsGoneBeforeAnybodyLookedIsToBlame() {
    long before = nanos();
    later(Duration.ofMinutes(1));
    culprits.attached(5, new Blame("short", "short", "", "", ""), nanos());
    later(Duration.ofMillis(5));
    assertThat(tenantAt(nanos())).isEqualTo("short");
    assertThat(tenantAt(before)).as("what was before it").isEmpty();
  }

  @Test
  void oneThatIsGoneIsForgottenInTime() {
    owns("guilty", 5);
    isOnTheDevice();
    owners.clear();
    later(Culprits.REMEMBERED);
    assertThat(tenantAt(nanos())).isEqualTo("guilty");
    later(Duration.ofSeconds(1));
    assertThat(tenantAt(nanos())).isEmpty();
  }

  @Test
  void whoCameLaterIsNotToBlameForWhatWasBefore() {
    long fault = nanos();
    later(Duration.ofMinutes(1));
    takesOver("newcomer", Duration.ofSeconds(1));
    isOnTheDevice();
    owners.clear();
    assertThat(tenantAt(fault)).isEmpty();
  }

  @Test
  void aProcessIsAsOldAsTheKernelSays() throws Exception {
    Process sleeper = new ProcessBuilder("sleep", "60").start();
    try {
      Thread.sleep(Duration.ofMillis(300));
      assertThat(ProcFs.system().age((int) sleeper.pid()).orElseThrow())
          .isBetween(Duration.ofMillis(200), Duration.ofSeconds(50));
    } finally {
      sleeper.destroyForcibly();
    }
  }
}
