package dev.aliquot.agent.deep;

import dev.aliquot.agent.deep.FakeCheckpoints.Call;
import dev.aliquot.agent.deep.FakeCheckpoints.Failure;
import dev.aliquot.cuda.CudaCheckpoint.State;
import java.time.Duration;
import java.util.OptionalLong;

/** A driver with one process, for tests of who has it called. */
public final class FakeDriver {
  private final FakeCheckpoints checkpoints = new FakeCheckpoints();

  /** Its threads, as the agent has them. */
  public final DeepDriver deep =
      new DeepDriver(
          new Steps(checkpoints, id -> true, Duration.ofMillis(1)),
          new CopyRoom(pid -> OptionalLong.of(Long.MAX_VALUE)),
          Duration.ofSeconds(1),
          1);

  /** How the process stands from now on. */
  public void stands(State state) {
    checkpoints.state = state;
    checkpoints.calls.clear();
    checkpoints.failures.clear();
    checkpoints.meanwhile = () -> {};
  }

  /** How it stands. */
  public State state() {
    return checkpoints.state;
  }

  /** Whether it has been called since the test said how the process stands. */
  public boolean isCalled() {
    return !checkpoints.calls.isEmpty();
  }

  /** It restores nothing. */
  public void restoresNothing() {
    checkpoints.failures.put(Call.RESTORE, new Failure(Integer.MAX_VALUE, false));
  }

  /** It unlocks nothing. */
  public void unlocksNothing() {
    checkpoints.failures.put(Call.UNLOCK, new Failure(Integer.MAX_VALUE, false));
  }

  /** It gives the process up while it restores it. */
  public void givesUp() {
    checkpoints.meanwhile =
        () -> {
          if (checkpoints.calls.contains(Call.RESTORE)) {
            checkpoints.state = State.FAILED;
          }
        };
  }
}
