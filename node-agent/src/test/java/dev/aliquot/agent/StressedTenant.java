package dev.aliquot.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.support.Talker;
import java.io.UncheckedIOException;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A tenant with one program at a time, which takes memory, computes, rests and frees at random, and
 * may be killed by anybody at any time: then the next one begins. Its data is looked at by the
 * program itself. Used by one thread, but for {@link #kill} and the figures.
 */
final class StressedTenant {
  private static final String SUCCESS = "0";
  private static final String OUT_OF_MEMORY = "2";

  private final Supplier<Talker> start;
  private final long blockBytes;
  private final int mostBlocks;
  private final Random random;
  private volatile Talker program;
  private volatile boolean killed;
  private final AtomicInteger kills = new AtomicInteger();
  private final AtomicInteger blocks = new AtomicInteger();
  private final AtomicInteger steps = new AtomicInteger();
  private final AtomicInteger refusals = new AtomicInteger();

  /** The program has been killed in the middle of a step. */
  private static final class KilledException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  StressedTenant(Supplier<Talker> start, long blockBytes, int mostBlocks, Random random) {
    this.start = start;
    this.blockBytes = blockBytes;
    this.mostBlocks = mostBlocks;
    this.random = random;
    begin();
  }

  private void begin() {
    program = start.get();
    killed = false;
    blocks.set(0);
    assertThat(say("init")).isEqualTo(SUCCESS);
  }

  private String say(String line) {
    String answer;
    try {
      answer = program.say(line);
    } catch (UncheckedIOException e) {
      answer = "(ended)";
    }
    if (answer.equals("(ended)")) {
      assertThat(killed).as("it ends only where it is killed").isTrue();
      throw new KilledException();
    }
    return answer;
  }

  /** kill -9, in the middle of whatever it does. */
  void kill() {
    Talker victim = program;
    if (!killed) {
      killed = true;
      kills.incrementAndGet();
      victim.kill();
    }
  }

  /** Takes as much as it holds at most. Who has just taken its own is not idle yet. */
  void fill() {
    Eventually.within(
        Eventually.TURNS,
        () -> {
          grow();
          assertThat(blocks.get()).isEqualTo(mostBlocks);
        });
  }

  private void grow() {
    if (blocks.get() == mostBlocks) {
      return;
    }
    String answer = say("grow " + blockBytes);
    if (answer.startsWith(SUCCESS + " ")) {
      blocks.incrementAndGet();
    } else {
      assertThat(answer).startsWith(OUT_OF_MEMORY + " ");
      refusals.incrementAndGet();
    }
  }

  private void step() throws InterruptedException {
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3 -> assertThat(say("work")).isEqualTo(SUCCESS);
      case 4, 5, 6, 7 -> assertThat(say("rest")).isEqualTo(SUCCESS);
      case 8, 9, 10, 11, 12, 13, 14 -> grow();
      case 15 -> {
        if (blocks.get() > 0) {
          assertThat(say("drop")).isEqualTo(SUCCESS);
          blocks.decrementAndGet();
        }
      }
      case 16, 17 -> Thread.sleep(random.nextInt(2000));
      default -> nothingIsWrong();
    }
    steps.incrementAndGet();
  }

  private void nothingIsWrong() {
    String report = say("report");
    assertThat(report).as("rounds, and words that were ever wrong").matches("[0-9]+ 0");
  }

  /**
   * Goes on until nobody will be killed any more, and then until a program has data and is alive.
   */
  void work(BooleanSupplier isOver) {
    while (!isOver.getAsBoolean() || killed || blocks.get() == 0) {
      try {
        if (killed) {
          program.close();
          begin();
        }
        step();
      } catch (KilledException e) {
        assertThat(killed).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Has it compute alone with what it has, and then rest. */
  void computesRight(Consumer<Talker> check) {
    assertThat(say("work")).isEqualTo(SUCCESS);
    check.accept(program);
    assertThat(say("rest")).isEqualTo(SUCCESS);
  }

  void end() {
    program.kill();
  }

  int blocks() {
    return blocks.get();
  }

  int steps() {
    return steps.get();
  }

  int kills() {
    return kills.get();
  }

  int refusals() {
    return refusals.get();
  }
}
