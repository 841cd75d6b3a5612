package dev.aliquot.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ResidencyTest {
  private static final Duration IDLE = Duration.ofSeconds(5);
  private static final Duration MINIMUM = Duration.ofSeconds(2);

  private long now = Long.MAX_VALUE - 1000;
  private final Residency residency = new Residency(new ResidencyRules(IDLE, MINIMUM), () -> now);

  private void add(String tenant, SwapMode mode) {
    residency.add(tenant, mode, Priority.NORMAL);
  }

  private void after(Duration time) {
    now += time.toNanos();
  }

  @Test
  void nobodyLeavesWithinTheMinimumResidency() {
    add("a", SwapMode.ALLOWED);
    after(MINIMUM.minusNanos(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofNanos(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void theLeastRecentlyActiveLeavesFirstAndIdleOnesBeforeThose() {
    add("a", SwapMode.ALLOWED);
    add("b", SwapMode.ALLOWED);
    add("c", SwapMode.ALLOWED);
    after(IDLE);
    residency.observe("b", 7);
    after(Duration.ofSeconds(1));
    residency.observe("a", 1);
    assertThat(residency.leavers("x"))
        .containsExactly(
            new Leaver("c", Readiness.IDLE),
            new Leaver("b", Readiness.DUE),
            new Leaver("a", Readiness.DUE));
  }

  @Test
  void theSameCountIsNoActivity() {
    add("a", SwapMode.ALLOWED);
    residency.observe("a", 7);
    after(IDLE);
    residency.observe("a", 7);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.IDLE));
    residency.observe("a", 8);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void whoPrefersItLeavesBeforeWhoAllowsItAndWhoForbidsItStays() {
    add("allowed", SwapMode.ALLOWED);
    after(Duration.ofSeconds(1));
    add("preferred", SwapMode.PREFERRED);
    add("never", SwapMode.NEVER);
    after(IDLE);
    assertThat(residency.leavers("x"))
        .extracting(Leaver::tenant)
        .containsExactly("preferred", "allowed");
  }

  @Test
  void whoAsksDoesNotLeaveForItself() {
    add("a", SwapMode.ALLOWED);
    after(IDLE);
    assertThat(residency.leavers("a")).isEmpty();
  }

  @Test
  void aTenantKeepsTheDeviceForNineTimesAsLongAsAnExchangeTook() {
    add("a", SwapMode.ALLOWED);
    after(IDLE);
    residency.comesBack("a");
    residency.cameBack("a", Duration.ofMillis(250));
    after(Duration.ofMillis(4499));
    residency.observe("a", 1);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofMillis(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void anExchangeThatTookForEverDoesNotKeepADeviceForEver() {
    add("a", SwapMode.ALLOWED);
    residency.comesBack("a");
    residency.cameBack("a", Duration.ofHours(1));
    after(Duration.ofSeconds(39));
    residency.observe("a", 2);
    assertThat(residency.leavers("x"))
        .as("no ask waits for it")
        .containsExactly(new Leaver("a", Readiness.LATER));
    assertThat(residency.isTurnOfOthers("x")).isTrue();
    after(Duration.ofSeconds(20));
    residency.observe("a", 1);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofSeconds(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void exchangesAreCountedForAMinute() {
    add("a", SwapMode.ALLOWED);
    residency.cameBack("a", Duration.ofSeconds(1));
    assertThat(residency.exchangesInAMinute()).as("promoted only").isZero();
    exchange();
    after(Duration.ofSeconds(30));
    exchange();
    assertThat(residency.exchangesInAMinute()).isEqualTo(2);
    after(Duration.ofSeconds(30));
    assertThat(residency.exchangesInAMinute()).isEqualTo(1);
    for (int i = 0; i < 20_000; i++) {
      exchange();
    }
    assertThat(residency.exchangesInAMinute()).as("bounded").isEqualTo(10_000);
  }

  private void exchange() {
    residency.comesBack("a");
    residency.cameBack("a", Duration.ofSeconds(1));
  }

  @Test
  void whoseDataIsOnItsWayStaysAndHasTheDeviceFromWhenItIsThere() {
    add("a", SwapMode.ALLOWED);
    residency.comesBack("a");
    after(IDLE.multipliedBy(2));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.LATER));
    residency.cameBack("a", Duration.ofMillis(250));
    after(Duration.ofMillis(4499));
    residency.observe("a", 1);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofMillis(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void whoNeverSaysThatItsDataIsThereLeavesInTheEnd() {
    add("a", SwapMode.ALLOWED);
    residency.comesBack("a");
    after(Duration.ofSeconds(58));
    residency.observe("a", 1);
    after(Duration.ofSeconds(2));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
    after(IDLE);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.IDLE));
  }

  @Test
  void aSmallTenantThatComesBackDoesNotShortenTheTurnOfALargeOne() {
    add("small", SwapMode.ALLOWED);
    add("large", SwapMode.ALLOWED);
    residency.comesBack("large");
    residency.cameBack("large", Duration.ofMillis(600));
    residency.comesBack("small");
    residency.cameBack("small", Duration.ofMillis(1));
    after(Duration.ofSeconds(10));
    residency.observe("large", 1);
    assertThat(residency.leavers("small")).containsExactly(new Leaver("large", Readiness.NOT_YET));
    assertThat(residency.isTurnOfOthers("small")).isTrue();
    after(Duration.ofMillis(800));
    assertThat(residency.isTurnOfOthers("small")).isFalse();
  }

  @Test
  void aTenantThatIsGoneIsNotChosen() {
    add("a", SwapMode.ALLOWED);
    residency.remove("a");
    residency.arrived("a");
    residency.observe("a", 3);
    after(IDLE);
    assertThat(residency.leavers("x")).isEmpty();
  }
}
