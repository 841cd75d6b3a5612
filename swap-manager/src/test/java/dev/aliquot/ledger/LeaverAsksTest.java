package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.ledger.SwapPolicy.Leaver;
import dev.aliquot.ledger.SwapPolicy.Readiness;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A has borrowed most of the device, and is told to leave when b wants it. */
class LeaverAsksTest extends LendingFixture {

  @BeforeEach
  void aLeavesForB() {
    device.swapPolicy(
        new SwapPolicy() {
          @Override
          public List<Leaver> leavers(String claimant) {
            return List.of(new Leaver("a", Readiness.IDLE));
          }

          @Override
          public void arrived(String tenant) {}
        });
    aHolds(1300);
    assertThat(ask(b, 800)).isInstanceOf(AskResult.MakingRoom.class);
    assertThat(pagesA.away).contains(0);
  }

  @Test
  void aLoanIsForWhenItIsBack() {
    assertThat(refusal(ask(a, 1400)).cause()).isEqualTo(AskResult.Cause.AWAY);
    assertThat(pagesA.away).contains(0);
  }

  @Test
  void whatIsGuaranteedIsNotPutOff() {
    pagesA.holdMovable(0, 0);
    b.moved();
    a.moved();
    assertThat(pagesA.away).contains(0);
    assertThat(ask(a, 400)).isInstanceOf(AskResult.Granted.class);
  }
}
