package dev.aliquot.agent.truth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.count.Counters;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceFacts;
import dev.aliquot.agent.device.DeviceReader;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.agent.process.ProcFs;
import dev.aliquot.agent.process.ProcessWatcher;
import dev.aliquot.agent.state.StateDir;
import dev.aliquot.agent.support.Contexts;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.tenant.AgentTraits;
import dev.aliquot.agent.tenant.TenantContext;
import dev.aliquot.agent.tenant.Tenants;
import dev.aliquot.agent.wire.TenantSockets;
import dev.aliquot.ledger.Headroom;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A driver that is slow, or does not come back. */
class DeviceSamplerTest {
  private final Counters counters = new Counters();
  private final ProcFs proc = ProcFs.system();
  private final CountDownLatch release = new CountDownLatch(1);
  @TempDir private Path folder;
  private ProcessWatcher watcher;
  private TenantSockets sockets;
  private Accounting accounting;

  @BeforeEach
  void start() throws Exception {
    StateDir state = StateDir.prepare(folder.resolve("s"));
    watcher = new ProcessWatcher(proc);
    sockets = new TenantSockets(Duration.ofSeconds(5), 4, 4, counters);
    TenantContext context = Contexts.withoutPool(state, proc, watcher, counters);
    Tenants tenants =
        new Tenants(
            state,
            new Inventory("", "", List.of()),
            context,
            sockets,
            device -> CompletableFuture.completedFuture(null),
            new AgentTraits(
                1, Duration.ofSeconds(1), Duration.ofSeconds(1), Path.of("/c"), Path.of("/n")));
    accounting = new Accounting(tenants, proc, counters, (device, seen) -> {}, 1L << 30);
  }

  @AfterEach
  void stop() {
    release.countDown();
    sockets.close();
    watcher.close();
  }

  private DeviceSampler sampler(DeviceReader reader, Duration timeout) {
    Device device =
        new Device(new DeviceFacts(0, "GPU-x", "x", "0", 1L << 30, 0), new Headroom(0, 0), reader);
    return new DeviceSampler(device, accounting, counters, Duration.ofHours(1), timeout);
  }

  @Test
  void whoeverAsksADriverThatHangsIsToldAtOnce() {
    AtomicBoolean hangs = new AtomicBoolean();
    DeviceSampler sampler =
        sampler(
            () -> {
              if (hangs.get()) {
                awaitRelease();
              }
              return DeviceReading.NONE;
            },
            Duration.ofMillis(300));
    sampler.start();
    Eventually.soon(() -> assertThat(sampler.hasRead()).isTrue());
    hangs.set(true);
    CompletableFuture<Void> first = sampler.request();
    assertThat(first)
        .failsWithin(Eventually.PATIENCE)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(TimeoutException.class);
    Eventually.soon(() -> assertThat(sampler.request()).isCompletedExceptionally());
    sampler.checkSilence(System.nanoTime());
    assertThat(sampler.device().health().state()).isEqualTo("unknown");
    hangs.set(false);
    release.countDown();
    // Whoever asks may be told of a time-out once more: a thread can stall for longer than that.
    Eventually.soon(() -> assertThat(sampler.request()).succeedsWithin(Eventually.PATIENCE));
    assertThat(sampler.device().health().state()).isEqualTo("healthy");
    sampler.close();
  }

  @Test
  void aStormOfRequestsLeavesTheDriverHalfOfTheTime() throws Exception {
    DeviceSampler sampler =
        sampler(
            () -> {
              sleep(10);
              return DeviceReading.NONE;
            },
            Eventually.PATIENCE);
    sampler.start();
    long start = System.nanoTime();
    int requests = 20;
    for (int i = 0; i < requests; i++) {
      sampler.request().get();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThan(Duration.ofMillis((requests - 1) * 20L).minus(ReadingPace.BURST));
    sampler.close();
  }

  private void awaitRelease() {
    try {
      release.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
