package dev.aliquot.agent.deep;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Steps of all tenants on a few threads, at most one of each tenant at a time: whoever hangs keeps
 * one thread, and only steps of its own tenant wait for it. Thread-safe.
 */
final class Lanes {
  private static final long KEEP_ALIVE_SECONDS = 10;

  private final ThreadPoolExecutor threads;
  private final int mostTenants;
  private final int mostOfATenant;

  /** By tenant: the step under way, or that waits for a thread, and those behind it. */
  private final Map<String, ArrayDeque<Runnable>> byTenant = new HashMap<>();

  private boolean closed;

  /**
   * @param mostWaiting tenants that may wait for a thread, and steps that may wait for another of
   *     their tenant
   */
  Lanes(String name, int most, int mostWaiting) {
    this.mostTenants = (int) Math.min(Integer.MAX_VALUE, (long) mostWaiting + most);
    this.mostOfATenant = mostWaiting;
    this.threads =
        new ThreadPoolExecutor(
            most,
            most,
            KEEP_ALIVE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name(name + "-", 1).factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * @param refused the answer where too many wait, or after the end
   */
  synchronized <T> CompletableFuture<T> run(String tenant, Supplier<T> step, T refused) {
    ArrayDeque<Runnable> lane = byTenant.get(tenant);
    boolean full = lane == null ? byTenant.size() >= mostTenants : lane.size() > mostOfATenant;
    if (closed || full) {
      return CompletableFuture.completedFuture(refused);
    }
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable task =
        () -> {
          T answer;
          try {
            answer = step.get();
          } catch (RuntimeException | Error e) {
            next(tenant);
            result.completeExceptionally(e);
            return;
          }
          next(tenant);
          result.complete(answer);
        };
    if (lane == null) {
      lane = new ArrayDeque<>();
      byTenant.put(tenant, lane);
    }
    lane.add(task);
    if (lane.size() == 1) {
      threads.execute(task);
    }
    return result;
  }

  private synchronized void next(String tenant) {
    ArrayDeque<Runnable> lane = byTenant.get(tenant);
    if (lane == null) {
      return;
    }
    lane.poll();
    if (closed || lane.isEmpty()) {
      byTenant.remove(tenant);
    } else {
      threads.execute(lane.element());
    }
  }

  /** What has not begun does not begin any more. */
  synchronized void close() {
    closed = true;
    threads.getQueue().clear();
    threads.shutdown();
  }

  /** Whether all that was under way at the end is over within the time. */
  boolean isOver(long seconds) throws InterruptedException {
    return threads.awaitTermination(seconds, TimeUnit.SECONDS);
  }
}
