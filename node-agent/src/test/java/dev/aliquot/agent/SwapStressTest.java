package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.DeviceView;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Tenants that hold three times the device's memory between them work at random, side by side,
 * while processes and the agent are killed at random, in the middle of whatever they do: every
 * program finds its data as it left it. For {@code -Daliquot.swap.seconds}; what is done is drawn
 * with {@code -Daliquot.swap.seed}. With {@code -Daliquot.swap.deep} some leave with their
 * contexts, and so does one more tenant, which may not borrow.
 */
class SwapStressTest extends LendingFixture {
  private static final int TENANTS = 5;
  private static final long BLOCK = 64 * MIB;
  private static final Duration TIME = Duration.ofSeconds(Long.getLong("aliquot.swap.seconds", 60));
  private static final long SEED = Long.getLong("aliquot.swap.seed", 20261125);
  private static final boolean DEEP = Boolean.getBoolean("aliquot.swap.deep");

  private final List<StressedTenant> tenants = new ArrayList<>();
  private final Random random = new Random(SEED);
  private int killedAgents;
  private int swapCommands;
  private long dives;

  private int heldBlocks() {
    return tenants.stream().mapToInt(StressedTenant::blocks).sum();
  }

  private void swap(String way, int tenant) {
    assertThat(serving.say("swap " + way + " t" + tenant)).matches("ok|INVALID .*(move|leave).*");
    swapCommands++;
  }

  private void countDives() {
    dives += Long.parseLong(serving.say("dives"));
  }

  /** What befalls the node, one after the other, whoever is in the middle of what. */
  private void trouble(int number) {
    int tenant = random.nextInt(tenants.size());
    switch (number % 8) {
      case 0, 3, 6 -> swap(DEEP && random.nextBoolean() ? "out_deep" : "out", tenant);
      case 1, 5 -> tenants.get(tenant).kill();
      case 2 -> swap("in", tenant);
      case 4 -> {
        countDives();
        serveAgain(POOL, tenants.size());
        killedAgents++;
      }
      default -> {
        DeviceView device = node().devices().getFirst();
        assertThat(device.usedBytes()).isLessThanOrEqualTo(device.totalBytes());
      }
    }
  }

  private void begin() throws IOException {
    idleAfter = Duration.ofMillis(500);
    deepAfter = DEEP ? Duration.ofSeconds(1) : null;
    serveDevice(GIB + 512 * MIB, CONTEXT / 8);
    long capacity = node().devices().getFirst().capacityBytes();
    int mostBlocks = (int) (capacity * 3 / 4 / BLOCK);
    long request = capacity / 6 / (2 * MIB) * (2 * MIB);
    for (int number = 0; number < TENANTS; number++) {
      begin(number, request, capacity, mostBlocks);
    }
    if (DEEP) {
      begin(TENANTS, request, request, (int) ((request - 2 * (CONTEXT / 8)) / BLOCK));
    }
    tenants.forEach(StressedTenant::fill);
    assertThat(heldBlocks() * BLOCK).as("held at once").isGreaterThanOrEqualTo(capacity * 3);
  }

  private void begin(int number, long requestBytes, long limitBytes, int mostBlocks)
      throws IOException {
    var environment = environment("t" + number, requestBytes, limitBytes);
    tenants.add(
        new StressedTenant(
            () -> talk(environment, CProgram.of("working_tenant")),
            BLOCK,
            mostBlocks,
            new Random(SEED + 1 + number)));
  }

  @Test
  void noByteIsWrongAndNobodyIsLost() throws Exception {
    begin();
    long end = System.nanoTime() + TIME.toNanos();
    var isOver = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> working = new ArrayList<>();
      for (StressedTenant tenant : tenants) {
        working.add(threads.submit(() -> tenant.work(isOver::get)));
      }
      try {
        for (int number = 0; System.nanoTime() - end < 0; number++) {
          Thread.sleep(random.nextInt(1500));
          trouble(number);
        }
      } finally {
        isOver.set(true);
      }
      for (Future<?> each : working) {
        each.get();
      }
    }
    tenants.forEach(tenant -> tenant.computesRight(LendingFixture::assertComputesRight));
    countDives();
    int killedPrograms = tenants.stream().mapToInt(StressedTenant::kills).sum();
    System.out.printf(
        "swap%s: %d s, %d steps, %d commands to swap, programs killed %d, agents %d, %d allocations"
            + " refused; dives %d; departures and returns"
            + " since the last agent %s%n",
        DEEP ? " deep" : "",
        TIME.toSeconds(),
        tenants.stream().mapToInt(StressedTenant::steps).sum(),
        swapCommands,
        killedPrograms,
        killedAgents,
        tenants.stream().mapToInt(StressedTenant::refusals).sum(),
        dives,
        serving.say("swaps"));
    assertThat(TIME.toSeconds() < 60 || (killedPrograms > 0 && killedAgents > 0))
        .as("somebody has been killed")
        .isTrue();
    assertThat(TIME.toSeconds() < 60 || !DEEP || dives > 0).as("somebody has gone deep").isTrue();
    tenants.forEach(StressedTenant::end);
    Eventually.soon(() -> assertThat(node().hostPool().takenBytes()).isZero());
    Eventually.soon(
        () ->
            assertThat(node().tenants())
                .allSatisfy(tenant -> assertThat(tenant.usedBytes()).isZero()));
  }
}
