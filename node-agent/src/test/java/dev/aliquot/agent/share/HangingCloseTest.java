package dev.aliquot.agent.share;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.linux.Descriptors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A tenant whose descriptors do not let themselves be closed harms itself only. */
class HangingCloseTest {
  private static final Path DEVICE = Path.of("/dev/full");
  private static final Maker MAKER = new Maker(3, 7);

  private final int before = OpenFile.count(DEVICE);
  private final CountDownLatch lets = new CountDownLatch(1);
  private final AtomicInteger closing = new AtomicInteger();
  private final AtomicLong now = new AtomicLong();
  private final Budget budget = new Budget(100);
  private final Shares hanging = new Shares(budget, 8, this::hang, now::get);
  private final Shares other = new Shares(budget, 8, Descriptors::close, now::get);

  private void hang(int descriptor) {
    closing.incrementAndGet();
    try {
      lets.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Descriptors.close(descriptor);
    closing.decrementAndGet();
  }

  @AfterEach
  void allIsClosedInTheEnd() {
    lets.countDown();
    hanging.end();
    other.end();
    Eventually.soon(() -> assertThat(OpenFile.count(DEVICE)).isEqualTo(before));
  }

  private static long share(Shares shares) throws NoShareException {
    return shares.add(MAKER, 0, 0, 1, 64, () -> OpenFile.descriptor(DEVICE)).id();
  }

  @Test
  void nobodyWaitsForACloseThatHangsAndItsTenantSharesNothingMore() throws Exception {
    long first = share(hanging);
    long second = share(hanging);
    long third = share(hanging);
    assertThat(hanging.over(MAKER, first)).isTrue();
    Eventually.soon(() -> assertThat(closing.get()).isEqualTo(1));
    assertThat(hanging.over(MAKER, second)).isTrue();
    share(hanging);
    now.addAndGet(Duration.ofSeconds(2).toNanos());
    assertThatThrownBy(() -> share(hanging))
        .isInstanceOf(NoShareException.class)
        .hasMessageContaining("does not let itself be closed");
    Descriptors.close(hanging.open(third, 0).descriptor());
    hanging.processGone(MAKER);
    hanging.end();
    assertThat(closing.get()).as("one at a time").isEqualTo(1);
    assertThat(other.over(MAKER, share(other))).isTrue();
    Eventually.soon(() -> assertThat(OpenFile.count(DEVICE)).isEqualTo(before + 4));
  }

  @Test
  void whenItComesToItsEndTheTenantSharesAgain() throws Exception {
    assertThat(hanging.over(MAKER, share(hanging))).isTrue();
    Eventually.soon(() -> assertThat(closing.get()).isEqualTo(1));
    now.addAndGet(Duration.ofSeconds(2).toNanos());
    assertThatThrownBy(() -> share(hanging)).isInstanceOf(NoShareException.class);
    lets.countDown();
    Eventually.soon(() -> share(hanging));
  }

  @Test
  void whatIsNotClosedYetCountsAsKept() throws Exception {
    for (int i = 0; i < 8; i++) {
      assertThat(hanging.over(MAKER, share(hanging))).isTrue();
    }
    assertThatThrownBy(() -> share(hanging))
        .isInstanceOf(NoShareException.class)
        .hasMessageContaining("as many pieces");
  }
}
