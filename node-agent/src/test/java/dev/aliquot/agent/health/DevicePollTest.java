package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.device.HealthReader;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.health.device.Condition;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.nvml.RecoveryAction;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DevicePollTest extends DeskFixture {
  private static final Condition SILENT = Condition.gone(Condition.Presence.SILENT);
  private static final Condition LOST = Condition.gone(Condition.Presence.LOST);

  private final AtomicInteger reads = new AtomicInteger();
  private final CountDownLatch hang = new CountDownLatch(1);
  private Optional<DevicePoll> poll = Optional.empty();

  private DevicePoll start(HealthReader reader) {
    HealthReader counting =
        () -> {
          reads.incrementAndGet();
          return reader.read();
        };
    DevicePoll started = new DevicePoll(device(counting), desk, this::time, this::nanos);
    poll = Optional.of(started);
    return started;
  }

  @AfterEach
  void stop() {
    hang.countDown();
    poll.ifPresent(DevicePoll::stop);
    assertThat(poll.map(each -> each.join(Duration.ofSeconds(30))).orElse(true)).isTrue();
  }

  private void becomes(String state) {
    Eventually.soon(
        () -> {
          poll.ifPresent(DevicePoll::ask);
          assertThat(state()).isEqualTo(state);
        });
  }

  private void readsSome() {
    int before = reads.get();
    Eventually.soon(
        () -> {
          poll.ifPresent(DevicePoll::ask);
          assertThat(reads.get()).isGreaterThan(before + 1);
        });
  }

  @Test
  void whatADeviceSaysIsToldOnceForEachChange() {
    start(() -> answer);
    readsSome();
    assertThat(history.all()).isEmpty();
    answer = answers(RecoveryAction.GPU_RESET);
    becomes("needs-reset");
    readsSome();
    answer = answers(RecoveryAction.NONE);
    becomes("recovering");
    assertThat(history.all())
        .extracting(FaultView::code)
        .containsExactly("recovery-gpu-reset", "recovery-none");
  }

  /** The next agent, ten minutes later, with what the one before it has kept. */
  private void restart() {
    poll.ifPresent(DevicePoll::stop);
    assertThat(poll.map(each -> each.join(Duration.ofSeconds(30))).orElse(true)).isTrue();
    later(Duration.ofMinutes(10));
    Map<String, KeptDevice> kept = desk.kept();
    FaultHistory next = new FaultHistory();
    next.restore(history.all());
    device.verdict(Verdict.HEALTHY);
    desk = desk(next, kept);
    history = next;
    start(() -> answer);
    readsSome();
  }

  @Test
  void aStateThatStillHoldsIsNoNewFaultForTheNextAgent() {
    start(() -> answer);
    answer = answers(RecoveryAction.GPU_RESET);
    becomes("needs-reset");
    restart();
    assertThat(state()).isEqualTo("needs-reset");
    assertThat(history.all()).extracting(FaultView::code).containsExactly("recovery-gpu-reset");
    answer = LOST;
    becomes("lost");
    restart();
    assertThat(state()).isEqualTo("lost");
    assertThat(history.all())
        .extracting(FaultView::code)
        .containsExactly("recovery-gpu-reset", "lost");
    answer = memory(true, false, 3);
    becomes("recovering");
    restart();
    answer = memory(true, true, 3);
    becomes("needs-reboot");
    restart();
    assertThat(history.all())
        .extracting(FaultView::code)
        .containsExactly("recovery-gpu-reset", "lost", "remap-pending", "remap-failed");
  }

  @Test
  void whatHasChangedWhileNoAgentAskedIsTold() {
    answer = memory(false, false, 3);
    start(() -> answer);
    readsSome();
    poll.ifPresent(DevicePoll::stop);
    answer = memory(true, false, 5);
    restart();
    assertThat(history.all())
        .extracting(FaultView::code)
        .containsExactly("remap-pending", "uncorrected-memory-error");
    assertThat(history.all().getLast().text()).endsWith(": 2 more.");
  }

  private static Condition memory(boolean pending, boolean failed, long errors) {
    return new Condition(
        Condition.Presence.ANSWERS, Optional.of(RecoveryAction.NONE), pending, failed, errors);
  }

  @Test
  void aDeviceThatIsLostIsOutAtOnce() {
    start(() -> answer);
    answer = LOST;
    becomes("lost");
    answer = answers(RecoveryAction.NONE);
    becomes("recovering");
  }

  @Test
  void aDriverThatFailsOnceTakesNothingOut() {
    start(() -> reads.get() % 2 == 0 ? SILENT : answer);
    readsSome();
    readsSome();
    readsSome();
    assertThat(state()).isEqualTo("healthy");
    assertThat(history.all()).isEmpty();
  }

  @Test
  void aDriverThatGoesOnFailingTakesItOut() {
    start(() -> answer);
    answer = SILENT;
    becomes("needs-reset");
    assertThat(history.all()).extracting(FaultView::code).containsExactly("silent");
  }

  @Test
  void aReaderThatBreaksIsADriverThatFailsAndIsAskedAgain() {
    start(
        () -> {
          if (answer.equals(SILENT)) {
            throw new IllegalStateException("broken");
          }
          return answer;
        });
    answer = SILENT;
    becomes("needs-reset");
    answer = answers(RecoveryAction.NONE);
    becomes("recovering");
  }

  @Test
  void aDriverThatHangsTakesItOutUntilItAnswers() throws Exception {
    DevicePoll hanging =
        start(
            () -> {
              await(hang);
              return answer;
            });
    Eventually.soon(() -> assertThat(reads.get()).isEqualTo(1));
    hanging.checkSilence();
    assertThat(state()).isEqualTo("healthy");
    later(Duration.ofSeconds(6));
    hanging.checkSilence();
    hanging.checkSilence();
    assertThat(state()).isEqualTo("needs-reset");
    assertThat(history.all()).hasSize(1);
    hanging.stop();
    assertThat(hanging.join(Duration.ofMillis(100))).isFalse();
    hang.countDown();
    becomes("recovering");
    hanging.checkSilence();
    assertThat(state()).isEqualTo("recovering");
  }

  @Test
  void howeverOftenItIsAskedTheDriverIsLeftInPeace() throws Exception {
    DevicePoll asked = start(() -> answer);
    long begin = System.nanoTime();
    for (int i = 0; i < 500; i++) {
      asked.ask();
      Thread.sleep(1);
    }
    long most = (System.nanoTime() - begin) / Duration.ofMillis(20).toNanos() + 2;
    assertThat((long) reads.get()).isBetween(2L, most);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
