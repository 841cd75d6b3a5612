package dev.aliquot.agent.deep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.process.ProcessId;
import dev.aliquot.cuda.CudaCheckpoint.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many processes and a driver that takes its time with those that go. */
class DeepQueueTest {
  private static final long ROOM = 1L << 30;

  private final CountDownLatch locks = new CountDownLatch(1);
  private final CountDownLatch restores = new CountDownLatch(1);

  /** Processes whose restore takes until all may be restored. */
  private final Set<Integer> stopped = ConcurrentHashMap.newKeySet();

  private final Map<Integer, State> states = new ConcurrentHashMap<>();
  private final List<String> threads = new ArrayList<>();
  private final DeepDriver deep =
      new DeepDriver(
          new Steps(new Slow(), id -> true),
          new CopyRoom(pid -> OptionalLong.of(ROOM)),
          Duration.ofSeconds(1),
          3);

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Slow implements Checkpoints {
    @Override
    public State state(int pid) {
      return states.getOrDefault(pid, State.RUNNING);
    }

    @Override
    public void lock(int pid, Duration timeout) {
      synchronized (threads) {
        threads.add(Thread.currentThread().getName());
      }
      await(locks);
      states.put(pid, State.LOCKED);
    }

    @Override
    public void checkpoint(int pid) {
      states.put(pid, State.CHECKPOINTED);
    }

    @Override
    public void restore(int pid) {
      if (stopped.contains(pid)) {
        await(restores);
      }
      states.put(pid, State.LOCKED);
    }

    @Override
    public void unlock(int pid) {
      states.put(pid, State.RUNNING);
    }
  }

  @AfterEach
  void close() {
    locks.countDown();
    restores.countDown();
    deep.close();
  }

  @Test
  void whoFindsTheQueueFullStaysAndWhoComesBackWaitsForNobody() {
    states.put(99, State.CHECKPOINTED);
    List<CompletableFuture<Dive>> dives = new ArrayList<>();
    for (int pid = 1; pid <= 20; pid++) {
      dives.add(deep.dive("t" + pid, new ProcessId(pid, 1), 0));
    }
    assertThat(deep.rise("a", new ProcessId(99, 1)).join()).isEqualTo(new Rise.Restored());
    assertThat(dives.subList(5, 20))
        .as("two are under way and three wait")
        .allMatch(dive -> dive.join() instanceof Dive.StaysHot);
    locks.countDown();
    assertThat(dives.subList(0, 5)).allMatch(dive -> dive.join() instanceof Dive.Deep);
    synchronized (threads) {
      assertThat(threads).allMatch(name -> name.matches("aliquot-dive-[12]"));
    }
  }

  @Test
  void whatComesAfterTheEndIsLeftToTheNextAgent() {
    locks.countDown();
    deep.close();
    assertThat(deep.dive("a", new ProcessId(1, 1), 0).join()).isInstanceOf(Dive.StaysHot.class);
    assertThat(deep.rise("a", new ProcessId(1, 1)).join()).isInstanceOf(Rise.StaysDeep.class);
  }

  @Test
  void oneTenantsStoppedProcessesKeepNoOtherTenantsFromComingBack() {
    List<CompletableFuture<Rise>> stuck = new ArrayList<>();
    for (int pid = 1; pid <= 9; pid++) {
      states.put(pid, State.CHECKPOINTED);
      stopped.add(pid);
      stuck.add(deep.rise("a", new ProcessId(pid, 1)));
    }
    for (int pid = 11; pid <= 19; pid++) {
      states.put(pid, State.CHECKPOINTED);
      assertThat(deep.rise("b", new ProcessId(pid, 1)).join()).isEqualTo(new Rise.Restored());
    }
    assertThat(stuck).noneMatch(CompletableFuture::isDone);
    restores.countDown();
    assertThat(stuck).allMatch(rise -> rise.join() instanceof Rise.Restored);
  }

  @Test
  void aFullLaneIsItsOwnTenantsOnly() {
    List<CompletableFuture<Dive>> dives = new ArrayList<>();
    for (int pid = 1; pid <= 9; pid++) {
      dives.add(deep.dive("a", new ProcessId(pid, 1), 0));
    }
    assertThat(dives.subList(4, 9))
        .as("one is under way and three wait")
        .allMatch(dive -> dive.join() instanceof Dive.StaysHot);
    CompletableFuture<Dive> other = deep.dive("b", new ProcessId(10, 1), 0);
    locks.countDown();
    assertThat(other.join()).isEqualTo(new Dive.Deep());
    assertThat(dives.subList(0, 4)).allMatch(dive -> dive.join() instanceof Dive.Deep);
  }

  @Test
  void theRoomOfACopyIsFreeWhenItHasEnded() {
    long copy = ROOM / 2 + 1;
    CompletableFuture<Dive> first = deep.dive("a", new ProcessId(1, 1), copy);
    CompletableFuture<Dive> second = deep.dive("b", new ProcessId(2, 1), copy);
    Dive refused = CompletableFuture.anyOf(first, second).thenApply(Dive.class::cast).join();
    assertThat(refused).isInstanceOf(Dive.StaysHot.class).asString().contains("memory limit");
    locks.countDown();
    assertThat(List.of(first.join(), second.join())).contains(new Dive.Deep());
    assertThat(deep.dive("c", new ProcessId(3, 1), copy).join()).isEqualTo(new Dive.Deep());
  }
}
