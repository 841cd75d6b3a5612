package dev.aliquot.residency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.Priority;
import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Tenants of different priorities on one device. */
class PriorityResidencyTest {
  private static final Duration IDLE = Duration.ofSeconds(5);
  private static final Duration MINIMUM = Duration.ofSeconds(2);

  private long now;
  private final Residency residency = new Residency(new ResidencyRules(IDLE, MINIMUM), () -> now);

  private void add(String tenant, Priority priority) {
    residency.add(tenant, SwapMode.ALLOWED, priority);
  }

  private void after(Duration time) {
    now += time.toNanos();
  }

  private void works(String... tenants) {
    for (String tenant : tenants) {
      residency.observe(tenant, now);
    }
  }

  @Test
  void ofThoseThatAreIdleTheLowestPriorityLeavesFirst() {
    add("high", Priority.HIGH);
    add("normal", Priority.NORMAL);
    residency.add("preferred", SwapMode.PREFERRED, Priority.NORMAL);
    after(MINIMUM);
    add("low", Priority.LOW);
    after(IDLE);
    assertThat(residency.leavers("x"))
        .extracting(Leaver::tenant)
        .as("and of equals who prefers it")
        .containsExactly("low", "preferred", "normal", "high");
  }

  @Test
  void ofThoseThatWorkTheLowestPriorityLeavesFirst() {
    add("normal", Priority.NORMAL);
    add("low", Priority.LOW);
    add("x", Priority.HIGH);
    after(IDLE);
    works("normal");
    after(Duration.ofSeconds(1));
    works("low");
    assertThat(residency.leavers("x"))
        .containsExactly(new Leaver("low", Readiness.DUE), new Leaver("normal", Readiness.DUE));
  }

  @Test
  void anIdleTenantOfAHighPriorityLeavesBeforeOneThatWorks() {
    add("high", Priority.HIGH);
    add("low", Priority.LOW);
    after(IDLE);
    works("low");
    assertThat(residency.leavers("x"))
        .containsExactly(new Leaver("high", Readiness.IDLE), new Leaver("low", Readiness.DUE));
  }

  @Test
  void aTenantThatWorksLeavesForTheSameOrAHigherPriorityOnly() {
    add("a", Priority.NORMAL);
    add("low", Priority.LOW);
    add("normal", Priority.NORMAL);
    add("high", Priority.HIGH);
    after(IDLE);
    works("a", "low", "normal", "high");
    assertThat(residency.leavers("low")).contains(new Leaver("a", Readiness.WHEN_IDLE));
    assertThat(residency.leavers("normal")).contains(new Leaver("a", Readiness.DUE));
    assertThat(residency.leavers("high")).contains(new Leaver("a", Readiness.DUE));
    after(IDLE);
    assertThat(residency.leavers("low")).contains(new Leaver("a", Readiness.IDLE));
  }

  @Test
  void aHigherPriorityDoesNotShortenAnybodysTurn() {
    add("low", Priority.LOW);
    add("high", Priority.HIGH);
    after(MINIMUM.minusNanos(1));
    works("low");
    assertThat(residency.leavers("high")).containsExactly(new Leaver("low", Readiness.NOT_YET));
  }

  @Test
  void whoComesBackWaitsNoLongerForTheTurnOfAHigherPriority() {
    add("low", Priority.LOW);
    add("high", Priority.HIGH);
    works("high");
    assertThat(residency.isTurnOfOthers("low")).isTrue();
    after(MINIMUM);
    works("high");
    assertThat(residency.isTurnOfOthers("low")).isFalse();
    assertThat(residency.leavers("low")).containsExactly(new Leaver("high", Readiness.WHEN_IDLE));
  }

  @Test
  void whoseDataIsOnItsWayIsNotIdle() {
    add("low", Priority.LOW);
    add("high", Priority.HIGH);
    residency.comesBack("high");
    after(IDLE);
    assertThat(residency.leavers("low")).containsExactly(new Leaver("high", Readiness.WHEN_IDLE));
  }

  @Test
  void whoIsGoneHasNoPriority() {
    add("a", Priority.HIGH);
    assertThat(residency.priority("a")).isEqualTo(Priority.HIGH);
    residency.remove("a");
    assertThat(residency.priority("a")).isEqualTo(Priority.NORMAL);
  }
}
