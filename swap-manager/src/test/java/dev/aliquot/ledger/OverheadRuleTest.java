package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.longs;

import dev.aliquot.ledger.OverheadRule.Claim;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OverheadRuleTest {
  private final OverheadRule rule = new OverheadRule();

  private long quiet(long truthBytes, long usedBytes) {
    rule.reading(truthBytes, new Claim(usedBytes, 2, 0), new Claim(usedBytes, 2, 0));
    return rule.overheadBytes();
  }

  @Test
  void isGroundTruthBeyondTheReport() {
    assertThat(quiet(300, 100)).isEqualTo(200);
    assertThat(quiet(350, 100)).isEqualTo(250);
    assertThat(quiet(100, 100)).isZero();
  }

  @Test
  void aReportThatMovesCanOnlyRaiseIt() {
    quiet(300, 100);
    assertThat(rule.reading(300, new Claim(200, 2, 0), new Claim(200, 4, 0))).isFalse();
    assertThat(rule.overheadBytes()).isEqualTo(200);
    rule.reading(150, new Claim(100, 4, 0), new Claim(100, 6, 0));
    assertThat(rule.overheadBytes()).as("no more than the driver holds in all").isEqualTo(150);
    rule.reading(900, new Claim(100, 4, 0), new Claim(300, 6, 0));
    assertThat(rule.overheadBytes()).as("the larger of the two reports counts").isEqualTo(600);
  }

  @Test
  void aCallInFlightDoesNotLowerIt() {
    quiet(300, 0);
    rule.reading(300, new Claim(250, 4, 1), new Claim(250, 4, 1));
    assertThat(rule.overheadBytes()).isEqualTo(300);
    rule.reading(300, new Claim(250, 4, 0), new Claim(250, 4, 1));
    assertThat(rule.overheadBytes()).isEqualTo(300);
    assertThat(quiet(550, 250)).isEqualTo(300);
  }

  @Test
  void neverNegativeWhateverIsReported() {
    assertThat(quiet(10, Long.MAX_VALUE)).isZero();
    assertThat(quiet(10, -5)).isEqualTo(10);
    assertThat(rule.reading(10, new Claim(0, 0, -1), new Claim(0, 0, -1))).isFalse();
  }

  /**
   * Readings at any point of an allocating and freeing process: never below the truth while its
   * context only grows.
   */
  @Test
  void isNeverLessThanTheTruthOfAnHonestProcess() {
    qt().forAll(longs().all())
        .checkAssert(
            seed -> {
              Random random = new Random(seed);
              OverheadRule fresh = new OverheadRule();
              long used = 0;
              long held = 0;
              long changes = 0;
              for (int i = 0; i < 200; i++) {
                long bytes = 1L + random.nextInt(100);
                Claim idle = new Claim(used, changes, 0);
                fresh.reading(300 + held, idle, idle);
                assertThat(fresh.overheadBytes()).isGreaterThanOrEqualTo(300);
                used += bytes;
                changes += 2;
                Claim charged = new Claim(used, changes, 1);
                fresh.reading(300 + held, random.nextBoolean() ? idle : charged, charged);
                assertThat(fresh.overheadBytes()).isGreaterThanOrEqualTo(300);
                held += bytes;
                if (random.nextBoolean()) {
                  held -= bytes;
                  fresh.reading(300 + held, charged, charged);
                  assertThat(fresh.overheadBytes()).isGreaterThanOrEqualTo(300);
                  used -= bytes;
                  changes += 2;
                }
              }
              Claim still = new Claim(used, changes, 0);
              fresh.reading(300 + held, still, still);
              assertThat(fresh.overheadBytes()).isEqualTo(300);
            });
  }
}
