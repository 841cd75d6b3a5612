package dev.aliquot.agent.deep;

import dev.aliquot.cuda.CudaCheckpoint.State;
import dev.aliquot.ffm.NativeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** One process, as a driver sees it. Steps fail where a test says so, before or after they work. */
final class FakeCheckpoints implements Checkpoints {
  enum Call {
    LOCK,
    CHECKPOINT,
    RESTORE,
    UNLOCK,
    STATE
  }

  /** How often a call fails from now on, and whether it has worked all the same. */
  record Failure(int times, boolean worksAnyway) {}

  final Map<Call, Failure> failures = new EnumMap<>(Call.class);
  final List<Call> calls = new ArrayList<>();
  State state = State.RUNNING;

  /** Run before each call: what the world does meanwhile. */
  Runnable meanwhile = () -> {};

  private static final class Refusal extends NativeException {
    private static final long serialVersionUID = 1L;

    Refusal(Call call) {
      super(call + " failed");
    }
  }

  @Override
  public State state(int pid) {
    call(Call.STATE, state, state);
    return state;
  }

  @Override
  public void lock(int pid, Duration timeout) {
    call(Call.LOCK, State.RUNNING, State.LOCKED);
  }

  @Override
  public void checkpoint(int pid) {
    call(Call.CHECKPOINT, State.LOCKED, State.CHECKPOINTED);
  }

  @Override
  public void restore(int pid) {
    call(Call.RESTORE, State.CHECKPOINTED, State.LOCKED);
  }

  @Override
  public void unlock(int pid) {
    call(Call.UNLOCK, State.LOCKED, State.RUNNING);
  }

  private void call(Call call, State from, State to) {
    meanwhile.run();
    calls.add(call);
    Failure failure = failures.get(call);
    boolean fails = failure != null && failure.times() > 0;
    boolean works = (!fails || failure.worksAnyway()) && state == from;
    if (fails) {
      failures.put(call, new Failure(failure.times() - 1, failure.worksAnyway()));
    }
    if (works) {
      state = to;
    }
    if (fails || !works) {
      throw new Refusal(call);
    }
  }
}
