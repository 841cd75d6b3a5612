package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import dev.aliquot.agent.view.NodeView;
import dev.aliquot.agent.view.TenantView;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The real agent and real programs against a model of a few lines: whatever happens, what is within
 * a tenant's request is had, nobody holds more than its limit nor all together more than there is,
 * and every word that any program wrote is right.
 */
class LendingModelTest extends LendingFixture {
  private static final int STEPS = Integer.getInteger("aliquot.model.steps", 40);
  private static final long PIECE = 64 * MIB;
  private static final long SMALL_CONTEXT = 64 * MIB;

  /** Beside its blocks: the context, its kernels, a block of the driver's for small allocations. */
  private static final long BESIDE = SMALL_CONTEXT + 8 * MIB;

  private final class Model {
    final String name;
    final Map<String, String> environment;
    final Deque<Long> blocks = new ArrayDeque<>();
    long request;
    Talker program;

    Model(String name, long request, long limit) throws IOException {
      this.name = name;
      this.request = request;
      this.environment = environment(name, request, limit);
      this.program = start();
    }

    Talker start() {
      Talker started = talk(environment, CProgram.of("working_tenant"));
      assertThat(started.say("init")).as("%s has its context", name).isEqualTo(SUCCESS);
      assertThat(started.say("work")).isEqualTo(SUCCESS);
      return started;
    }

    long held() {
      return BESIDE + blocks.stream().mapToLong(Long::longValue).sum();
    }

    void grow(long bytes) {
      boolean guaranteed = held() + bytes <= request;
      String answer = program.say("grow " + bytes);
      if (answer.startsWith(SUCCESS + " ")) {
        blocks.push(bytes);
      } else {
        assertThat(answer).startsWith(OUT_OF_MEMORY + " ");
        assertThat(guaranteed)
            .as("%s holds %d, asks for %d, request %d", name, held(), bytes, request)
            .isFalse();
      }
    }

    void drop() {
      if (!blocks.isEmpty()) {
        assertThat(program.say("drop")).isEqualTo(SUCCESS);
        blocks.pop();
      }
    }

    void restart() {
      program.kill();
      blocks.clear();
      program = start();
    }

    void resize(long bytes, long limit) {
      if (serving.say("resize " + name + " " + bytes + " " + limit).equals("ok")) {
        request = bytes;
      }
    }
  }

  @Test
  void anyHistoryKeepsEveryPromise() throws Exception {
    serveDevice(4 * GIB, SMALL_CONTEXT);
    long capacity = node().devices().getFirst().capacityBytes();
    List<Model> models = new ArrayList<>();
    for (long request : new long[] {640, 512, 448, 320}) {
      models.add(new Model("m" + models.size(), request * MIB, capacity));
    }
    long seed = Long.getLong("aliquot.model.seed", 20261125);
    Random random = new Random(seed);
    StringBuilder history = new StringBuilder("seed " + seed + ":");
    try {
      for (int i = 0; i < STEPS; i++) {
        Model model = models.get(random.nextInt(models.size()));
        step(models, model, random, capacity, history);
        assertPromises(models, capacity);
      }
    } catch (AssertionError e) {
      throw new AssertionError(history + "\n" + e.getMessage(), e);
    }
    System.out.println(history);
    models.stream().skip(1).forEach(model -> model.program.kill());
    Eventually.soon(
        () -> assertThat(node().tenants()).allMatch(tenant -> tenant.demotedBytes() == 0));
    assertComputesRight(models.getFirst().program);
  }

  private void step(
      List<Model> models, Model model, Random random, long capacity, StringBuilder history) {
    int what = random.nextInt(20);
    if (what < 12) {
      long bytes = PIECE * (1 + random.nextInt(6));
      history.append(" %s+%d".formatted(model.name, bytes / MIB));
      model.grow(bytes);
    } else if (what < 16) {
      history.append(" %s-".formatted(model.name));
      model.drop();
    } else if (what < 17) {
      history.append(" %s-kill".formatted(model.name));
      model.restart();
    } else if (what < 19) {
      long bytes = PIECE * (3 + random.nextInt(8));
      history.append(" %s=%d".formatted(model.name, bytes / MIB));
      model.resize(bytes, capacity);
    } else {
      history.append(" agent-kill");
      serveAgain(POOL, models.size());
    }
  }

  private void assertPromises(List<Model> models, long capacity) {
    NodeView node = node();
    assertThat(node.devices().getFirst().allocatedBytes()).isLessThanOrEqualTo(capacity);
    assertThat(node.devices().getFirst().usedBytes()).isLessThanOrEqualTo(capacity);
    for (TenantView tenant : node.tenants()) {
      assertThat(tenant.usedBytes()).as(tenant.name()).isLessThanOrEqualTo(tenant.limitBytes());
    }
    models.forEach(model -> assertThat(rounds(model.program)).isNotNegative());
  }
}
