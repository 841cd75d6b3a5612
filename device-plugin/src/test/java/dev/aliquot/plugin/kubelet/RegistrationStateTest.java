package dev.aliquot.plugin.kubelet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.kubelet.RegistrationState.Step;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RegistrationStateTest {
  private static final Optional<SocketId> FIRST = Optional.of(new SocketId("1", "1", "1"));
  private static final Optional<SocketId> SECOND = Optional.of(new SocketId("1", "1", "2"));

  private final Counters counters = new Counters();
  private long nowNanos = 1_000_000_000L;
  private final RegistrationState state =
      new RegistrationState(RegistrationRules.DEFAULT, counters, () -> nowNanos);

  @Test
  void aKubeletThatDoesNotAskIsCalledBeforeTwoSecondsAreOver() {
    assertThat(state.look(Optional.empty())).isEqualTo(Step.NOTHING);
    pass(60_000);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    pass(1_400);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    pass(200);
    assertThat(state.look(FIRST)).isEqualTo(Step.CALL);
  }

  @Test
  void aKubeletThatAsksIsNotCalledAsLongAsItMayStillTakeThePlugin() {
    state.look(FIRST);
    state.asked(FIRST);
    pass(5_000);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    pass(2_000);
    assertThat(state.look(FIRST)).isEqualTo(Step.CALL);
  }

  @Test
  void anotherSocketMeansAnotherKubelet() {
    registered(Way.FOLDER);
    pass(60_000);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);

    assertThat(state.look(SECOND)).isEqualTo(Step.NOTHING);

    assertThat(state.view().way()).isNull();
    pass(1_600);
    assertThat(state.look(SECOND)).isEqualTo(Step.CALL);
  }

  @Test
  void oneThatFindsThePluginBeforeItsSocketIsSeenIsTheNewOne() {
    registered(Way.FOLDER);
    state.asked(SECOND);
    state.registered(Way.FOLDER);

    assertThat(state.look(SECOND)).isEqualTo(Step.NOTHING);
    assertThat(state.view().way()).isEqualTo(Way.FOLDER);
  }

  @Test
  void oneThatHadToBeCalledIsCalledAtOnceWhenItComesBack() {
    registered(Way.CALL);
    assertThat(state.look(SECOND)).isEqualTo(Step.CALL);
  }

  @Test
  void aStreamThatEndsIsAnnouncedAnewAfterABackOff() {
    registered(Way.FOLDER);
    state.streamEnded();

    assertThat(state.view().way()).isNull();
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    pass(300);
    assertThat(state.look(FIRST)).isEqualTo(Step.ANNOUNCE);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    pass(1_600);
    assertThat(state.look(FIRST)).isEqualTo(Step.CALL);
  }

  @Test
  void failuresAreFartherAndFartherApart() {
    state.look(FIRST);
    int announced = 0;
    for (int i = 0; i < 600; i++) {
      if (state.look(FIRST) == Step.CALL) {
        state.lost("refused");
        announced++;
      }
      pass(100);
    }
    assertThat(announced).isBetween(5, 12);
    assertThat(state.view().lastError()).isEqualTo("refused");
  }

  @Test
  void aKubeletThatTakesThePluginAndNeverWatchesIsAskedAgain() {
    state.look(FIRST);
    state.registered(Way.CALL);
    pass(9_000);
    assertThat(state.look(FIRST)).isEqualTo(Step.NOTHING);
    assertThat(state.view().way()).isEqualTo(Way.CALL);
    pass(2_000);
    state.look(FIRST);
    assertThat(state.view().way()).isNull();
    assertThat(counters.figures().of(Count.REGISTRATION_FAILURES)).isEqualTo(1);
  }

  private void registered(Way way) {
    state.look(FIRST);
    if (way == Way.FOLDER) {
      state.asked(FIRST);
    }
    state.registered(way);
    state.streamOpened();
  }

  private void pass(long millis) {
    nowNanos += Duration.ofMillis(millis).toNanos();
  }
}
