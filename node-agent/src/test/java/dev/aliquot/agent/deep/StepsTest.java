package dev.aliquot.agent.deep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.deep.FakeCheckpoints.Call;
import dev.aliquot.agent.deep.FakeCheckpoints.Failure;
import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.cuda.CudaCheckpoint.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whichever step fails: what is said is how the process stands, and it is not left locked. */
class StepsTest {
  private static final ProcessId PROCESS = new ProcessId(7, 1);
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final FakeCheckpoints driver = new FakeCheckpoints();
  private boolean alive = true;
  private final Steps steps = new Steps(driver, id -> alive, Duration.ofMillis(1));

  private void fail(Call call, int times, boolean worksAnyway) {
    driver.failures.put(call, new Failure(times, worksAnyway));
  }

  @Test
  void aProcessGoesAndComesBack() {
    assertThat(steps.dive(PROCESS, TIMEOUT)).isEqualTo(new Dive.Deep());
    assertThat(driver.state).isEqualTo(State.CHECKPOINTED);
    assertThat(steps.look(PROCESS)).isEqualTo(new Dive.Deep());
    assertThat(steps.rise(PROCESS)).isEqualTo(new Rise.Restored());
    assertThat(driver.state).isEqualTo(State.RUNNING);
    assertThat(steps.rise(PROCESS)).as("once more").isEqualTo(new Rise.Restored());
  }

  @Test
  void aLockThatFailsLeavesTheProcessAsItWas() {
    fail(Call.LOCK, 1, false);
    assertThat(steps.dive(PROCESS, TIMEOUT)).isEqualTo(new Dive.StaysHot("LOCK failed"));
    assertThat(driver.calls).doesNotContain(Call.CHECKPOINT, Call.UNLOCK);
  }

  @Test
  void aCheckpointThatFailsUnlocksTheProcess() {
    fail(Call.CHECKPOINT, 1, false);
    assertThat(steps.dive(PROCESS, TIMEOUT)).isEqualTo(new Dive.StaysHot("CHECKPOINT failed"));
    assertThat(driver.state).isEqualTo(State.RUNNING);
  }

  @Test
  void noProcessIsLeftLockedWhateverFailsOnTheWayOut() {
    for (Call call : Call.values()) {
      for (int times : new int[] {1, 2, 5, 99}) {
        for (boolean worksAnyway : new boolean[] {false, true}) {
          driver.state = State.RUNNING;
          driver.failures.clear();
          fail(call, times, worksAnyway);
          Dive dive = steps.dive(PROCESS, TIMEOUT);
          String what = call + " " + times + " " + worksAnyway + ": " + dive;
          assertThat(driver.state)
              .as(what)
              .isEqualTo(dive instanceof Dive.Deep ? State.CHECKPOINTED : State.RUNNING);
        }
      }
    }
  }

  @Test
  void noProcessIsLeftLockedWhateverFailsOnTheWayBack() {
    for (Call call : Call.values()) {
      for (boolean worksAnyway : new boolean[] {false, true}) {
        driver.state = State.CHECKPOINTED;
        driver.failures.clear();
        fail(call, 1, worksAnyway);
        Rise rise = steps.rise(PROCESS);
        String what = call + " " + worksAnyway + ": " + rise;
        assertThat(driver.state).as(what).isNotEqualTo(State.LOCKED);
        if (driver.state == State.RUNNING) {
          assertThat(rise).as(what).isEqualTo(new Rise.Restored());
        } else {
          assertThat(rise).as(what).isInstanceOf(Rise.StaysDeep.class);
          driver.failures.clear();
          assertThat(steps.rise(PROCESS)).as("the next try").isEqualTo(new Rise.Restored());
        }
      }
    }
  }

  @Test
  void aProcessThatTheDriverGaveUpOrDoesNotUnlockIsLost() {
    driver.meanwhile = () -> driver.state = State.FAILED;
    assertThat(steps.dive(PROCESS, TIMEOUT)).isInstanceOf(Dive.Lost.class);
    assertThat(steps.rise(PROCESS)).isInstanceOf(Rise.Lost.class);
    driver.meanwhile = () -> {};
    driver.state = State.RUNNING;
    fail(Call.CHECKPOINT, 1, false);
    fail(Call.UNLOCK, 99, false);
    assertThat(steps.dive(PROCESS, TIMEOUT)).isInstanceOf(Dive.Lost.class);
  }

  @Test
  void whatIsRestoredAndNotUnlockedHasItsContextsOnItsDevices() {
    driver.state = State.CHECKPOINTED;
    fail(Call.UNLOCK, 99, false);
    assertThat(steps.rise(PROCESS)).isInstanceOf(Rise.Locked.class);
    assertThat(driver.state).isEqualTo(State.LOCKED);
    driver.failures.clear();
    assertThat(steps.rise(PROCESS)).isEqualTo(new Rise.Restored());
  }

  @Test
  void whatIsRestoredAndNotSpokenOfAnyMoreIsNotTakenForDeep() {
    driver.state = State.CHECKPOINTED;
    driver.meanwhile =
        () -> {
          if (driver.calls.contains(Call.RESTORE)) {
            fail(Call.STATE, 99, false);
          }
        };
    assertThat(steps.rise(PROCESS)).isInstanceOf(Rise.Locked.class);
  }

  @Test
  void aDriverInTheMiddleOfSomethingIsAskedAgain() {
    List<Call> looks = new ArrayList<>();
    steps.dive(PROCESS, TIMEOUT);
    driver.state = State.BUSY;
    driver.meanwhile =
        () -> {
          looks.add(Call.STATE);
          driver.state = looks.size() > 5 ? State.CHECKPOINTED : State.BUSY;
        };
    assertThat(steps.look(PROCESS)).isEqualTo(new Dive.Deep());
  }

  @Test
  void whereAnEarlierAgentStoppedInBetweenTheProcessIsUnlocked() {
    driver.state = State.LOCKED;
    assertThat(steps.look(PROCESS)).isInstanceOf(Dive.StaysHot.class);
    assertThat(driver.state).isEqualTo(State.RUNNING);
    driver.state = State.LOCKED;
    assertThat(steps.rise(PROCESS)).isEqualTo(new Rise.Restored());
  }

  @Test
  void aProcessThatEndsInBetweenIsNoError() {
    for (int calls = 0; calls < 4; calls++) {
      int last = calls;
      driver.calls.clear();
      driver.state = State.RUNNING;
      alive = true;
      driver.meanwhile =
          () -> {
            if (driver.calls.size() == last) {
              alive = false;
              fail(Call.STATE, 99, false);
              fail(Call.UNLOCK, 99, false);
              fail(Call.CHECKPOINT, 9, false);
              fail(Call.LOCK, 9, false);
            }
          };
      Dive dive = steps.dive(PROCESS, TIMEOUT);
      assertThat(alive ? new Dive.Gone() : dive).isEqualTo(new Dive.Gone());
      driver.failures.clear();
    }
    alive = false;
    driver.calls.clear();
    assertThat(steps.dive(PROCESS, TIMEOUT)).isEqualTo(new Dive.Gone());
    assertThat(steps.look(PROCESS)).isEqualTo(new Dive.Gone());
    assertThat(steps.rise(PROCESS)).isEqualTo(new Rise.Gone());
    assertThat(driver.calls).as("of a pid that may be another's").isEmpty();
  }

  @Test
  void aPidThatHasComeToMeanAnotherProcessIsUnlockedAndNotTakenOff() {
    driver.meanwhile = () -> alive = false;
    assertThat(steps.dive(PROCESS, TIMEOUT)).isEqualTo(new Dive.Gone());
    assertThat(driver.calls).doesNotContain(Call.CHECKPOINT);
    assertThat(driver.state).isEqualTo(State.RUNNING);
  }
}
