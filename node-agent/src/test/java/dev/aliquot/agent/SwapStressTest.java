package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.DeviceView;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Tenants that hold three times the device's memory between them work at random, while processes
 * and the agent are killed at random: every program finds its data as it left it. For {@code
 * -Daliquot.swap.seconds}; the steps are those of {@code -Daliquot.swap.seed}. With {@code
 * -Daliquot.swap.deep} some leave with their contexts.
 */
class SwapStressTest extends LendingFixture {
  private static final int TENANTS = 5;
  private static final long BLOCK = 128 * MIB;
  private static final Duration TIME = Duration.ofSeconds(Long.getLong("aliquot.swap.seconds", 60));
  private static final long SEED = Long.getLong("aliquot.swap.seed", 20261125);

  private static final boolean DEEP = Boolean.getBoolean("aliquot.swap.deep");

  private final Random random = new Random(SEED);
  private final List<Map<String, String>> environments = new ArrayList<>();
  private final List<Talker> programs = new ArrayList<>();
  private final int[] blocks = new int[TENANTS];
  private int mostBlocks;
  private int killedPrograms;
  private int killedAgents;
  private int refusedBlocks;

  /** As much as the tenant holds at most; what cannot be had now is left for later. */
  private void grow(int tenant) {
    if (blocks[tenant] < mostBlocks) {
      String answer = programs.get(tenant).say("grow " + BLOCK);
      if (answer.startsWith(SUCCESS + " ")) {
        blocks[tenant]++;
      } else {
        assertThat(answer).startsWith(OUT_OF_MEMORY + " ");
        refusedBlocks++;
      }
    }
  }

  private void begin(int tenant) throws IOException {
    Talker program = talk(environments.get(tenant), CProgram.of("working_tenant"));
    if (programs.size() > tenant) {
      programs.set(tenant, program);
    } else {
      programs.add(program);
    }
    blocks[tenant] = 0;
    assertThat(program.say("init")).isEqualTo(SUCCESS);
  }

  private void killProgram(int tenant) throws IOException {
    programs.get(tenant).kill();
    killedPrograms++;
    begin(tenant);
  }

  private void step(int tenant) throws IOException {
    Talker program = programs.get(tenant);
    switch (random.nextInt(24)) {
      case 0, 1, 2, 3, 4, 5 -> assertThat(program.say("work")).isEqualTo(SUCCESS);
      case 6, 7, 8, 9, 10, 11 -> assertThat(program.say("rest")).isEqualTo(SUCCESS);
      case 12, 13, 14, 15, 16, 17 -> grow(tenant);
      case 18 -> {
        if (blocks[tenant] > 0) {
          assertThat(program.say("drop")).isEqualTo(SUCCESS);
          blocks[tenant]--;
        }
      }
      case 19, 20 -> rounds(program);
      case 21 -> {
        String way = DEEP && random.nextBoolean() ? "out_deep" : "out";
        assertThat(serving.say("swap " + way + " t" + tenant)).matches("ok|INVALID .*moves.*");
      }
      case 22 -> {
        if (random.nextInt(3) == 0) {
          killProgram(tenant);
        }
      }
      default -> {
        if (random.nextInt(3) == 0) {
          serveAgain(POOL, TENANTS);
          killedAgents++;
        }
      }
    }
  }

  @Test
  void noByteIsWrongAndNobodyIsLost() throws Exception {
    idleAfter = Duration.ofMillis(500);
    serveDevice(2 * GIB, CONTEXT / 4);
    long capacity = node().devices().getFirst().capacityBytes();
    mostBlocks = (int) (capacity * 3 / 4 / BLOCK);
    long request = capacity / 8 / (2 * MIB) * (2 * MIB);
    for (int tenant = 0; tenant < TENANTS; tenant++) {
      environments.add(environment("t" + tenant, request, capacity));
      begin(tenant);
      while (blocks[tenant] < mostBlocks) {
        grow(tenant);
      }
    }
    long end = System.nanoTime() + TIME.toNanos();
    int steps = 0;
    int mostHeld = 0;
    while (System.nanoTime() - end < 0) {
      step(random.nextInt(TENANTS));
      steps++;
      mostHeld = Math.max(mostHeld, java.util.Arrays.stream(blocks).sum());
      DeviceView device = node().devices().getFirst();
      assertThat(device.usedBytes()).isLessThanOrEqualTo(device.totalBytes());
    }
    for (int tenant = 0; tenant < TENANTS; tenant++) {
      Talker program = programs.get(tenant);
      assertThat(program.isAlive()).isTrue();
      while (blocks[tenant] == 0) {
        grow(tenant);
      }
      assertThat(program.say("work")).isEqualTo(SUCCESS);
      assertComputesRight(program);
      assertThat(program.say("rest")).isEqualTo(SUCCESS);
    }
    System.out.printf(
        "swap: %d steps, at most %d %% of the device held, %d refused; programs killed %d, agents"
            + " %d; departures and returns since the last agent %s%n",
        steps,
        mostHeld * BLOCK * 100 / capacity,
        refusedBlocks,
        killedPrograms,
        killedAgents,
        serving.say("swaps"));
    for (Talker program : programs) {
      program.kill();
    }
    Eventually.soon(() -> assertThat(node().hostPool().takenBytes()).isZero());
    Eventually.soon(
        () ->
            assertThat(node().tenants())
                .allSatisfy(tenant -> assertThat(tenant.usedBytes()).isZero()));
    assertThat(mostHeld * BLOCK).as("held at once").isGreaterThanOrEqualTo(capacity * 3);
  }
}
