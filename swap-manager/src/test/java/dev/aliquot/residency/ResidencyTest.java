package dev.aliquot.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ResidencyTest {
  private static final Duration IDLE = Duration.ofSeconds(5);
  private static final Duration MINIMUM = Duration.ofSeconds(2);

  private long now = Long.MAX_VALUE - 1000;
  private final Residency residency = new Residency(new ResidencyRules(IDLE, MINIMUM), () -> now);

  private void after(Duration time) {
    now += time.toNanos();
  }

  @Test
  void nobodyLeavesWithinTheMinimumResidency() {
    residency.add("a", SwapMode.ALLOWED);
    after(MINIMUM.minusNanos(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofNanos(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void theLeastRecentlyActiveLeavesFirstAndIdleOnesBeforeThose() {
    residency.add("a", SwapMode.ALLOWED);
    residency.add("b", SwapMode.ALLOWED);
    residency.add("c", SwapMode.ALLOWED);
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
    residency.add("a", SwapMode.ALLOWED);
    residency.observe("a", 7);
    after(IDLE);
    residency.observe("a", 7);
    assertThat(residency.idleFor("a")).isEqualTo(IDLE);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.IDLE));
    residency.observe("a", 8);
    assertThat(residency.idleFor("a")).isZero();
  }

  @Test
  void whoPrefersItLeavesBeforeWhoAllowsItAndWhoForbidsItStays() {
    residency.add("allowed", SwapMode.ALLOWED);
    after(Duration.ofSeconds(1));
    residency.add("preferred", SwapMode.PREFERRED);
    residency.add("never", SwapMode.NEVER);
    after(IDLE);
    assertThat(residency.leavers("x"))
        .extracting(Leaver::tenant)
        .containsExactly("preferred", "allowed");
  }

  @Test
  void whoAsksDoesNotLeaveForItself() {
    residency.add("a", SwapMode.ALLOWED);
    after(IDLE);
    assertThat(residency.leavers("a")).isEmpty();
  }

  @Test
  void aTenantKeepsTheDeviceForNineTimesAsLongAsAnExchangeTook() {
    residency.add("a", SwapMode.ALLOWED);
    after(IDLE);
    residency.exchanged(Duration.ofMillis(250));
    residency.returned("a");
    after(Duration.ofMillis(4499));
    residency.observe("a", 1);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofMillis(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void anExchangeThatTookForEverDoesNotKeepADeviceForEver() {
    residency.add("a", SwapMode.ALLOWED);
    residency.exchanged(Duration.ofHours(1));
    residency.returned("a");
    assertThat(residency.leavers("x")).as("not worth waiting for").isEmpty();
    after(Duration.ofSeconds(59));
    residency.observe("a", 1);
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.NOT_YET));
    after(Duration.ofSeconds(1));
    assertThat(residency.leavers("x")).containsExactly(new Leaver("a", Readiness.DUE));
  }

  @Test
  void aTenantThatIsGoneIsNotChosen() {
    residency.add("a", SwapMode.ALLOWED);
    residency.remove("a");
    residency.returned("a");
    residency.observe("a", 3);
    after(IDLE);
    assertThat(residency.leavers("x")).isEmpty();
    assertThat(residency.idleFor("a")).isNull();
  }
}
