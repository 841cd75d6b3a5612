package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.longs;

import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Processes that run the tenant side of the algorithm, stepped at random between and, through the
 * port, in the middle of every operation of the book.
 */
class CreditBookPropertyTest {
  private static final long LIMIT = 1000;
  private static final int SLOTS = 6;

  /**
   * One process of the tenant: charges first, compares with its credit after that, as protocol.h
   * says.
   */
  private static final class Member {
    boolean attached;
    long used;
    long held;
    long charging;
    boolean mustAsk;
  }

  private static final class World implements SlotPort {
    final Random random;
    final Member[] processes = new Member[SLOTS];
    final long[] published = new long[SLOTS];
    final CreditBook book = new CreditBook(LIMIT, this);

    World(long seed) {
      random = new Random(seed);
      for (int i = 0; i < SLOTS; i++) {
        processes[i] = new Member();
      }
    }

    @Override
    public long usedBytes(int slot) {
      interleave();
      return processes[slot].used;
    }

    @Override
    public void writeCredit(int slot, long creditBytes) {
      interleave();
      published[slot] = creditBytes;
      interleave();
    }

    void interleave() {
      for (int i = random.nextInt(4); i > 0; i--) {
        stepOf(random.nextInt(SLOTS));
      }
    }

    /** One instruction's worth of a process: announce, compare, or free. */
    void stepOf(int slot) {
      Member process = processes[slot];
      if (!process.attached || process.mustAsk) {
        return;
      }
      if (process.charging > 0) {
        if (process.used <= published[slot]) {
          process.held += process.charging;
          process.charging = 0;
        } else {
          process.mustAsk = true;
        }
      } else if (random.nextBoolean()) {
        process.charging = 1L + random.nextInt(random.nextInt(8) == 0 ? 1200 : 120);
        process.used += process.charging;
      } else if (process.held > 0) {
        long freed = 1 + random.nextLong(process.held);
        process.held -= freed;
        process.used -= freed;
      }
    }

    void agentStep(long overheadBytes) {
      int slot = random.nextInt(SLOTS);
      Member process = processes[slot];
      if (!process.attached) {
        book.attach(slot);
        process.attached = true;
      } else if (random.nextInt(12) == 0) {
        process.attached = false;
        process.used = process.held = process.charging = 0;
        process.mustAsk = false;
        book.detach(slot);
      } else if (process.mustAsk) {
        AskResult result = book.ask(slot, process.used);
        for (int i = 0; result instanceof AskResult.AfterReading && i < 3; i++) {
          read(book.overheadBytes());
          result = book.ask(slot, process.used);
        }
        if (result instanceof AskResult.Granted) {
          assertThat(published[slot]).isGreaterThanOrEqualTo(process.used);
        } else {
          process.used -= process.charging;
          process.charging = 0;
        }
        process.mustAsk = false;
      } else if (random.nextInt(5) == 0) {
        read(overheadBytes);
      }
    }

    void read(long overheadBytes) {
      interleave();
      book.beginReading();
      interleave();
      book.endReading(overheadBytes);
    }

    /** By how much credit and overhead together pass the limit. */
    long over() {
      return book.creditBytes() + book.overheadBytes() - LIMIT;
    }

    long held() {
      long sum = 0;
      for (Member process : processes) {
        sum += process.held;
      }
      return sum;
    }
  }

  @Test
  void noInterleavingPassesTheLimit() {
    qt().forAll(longs().all())
        .checkAssert(
            seed -> {
              World world = new World(seed);
              world.book.overhead(100);
              for (int i = 0; i < 300; i++) {
                world.interleave();
                world.agentStep(100);
                assertThat(world.over()).isNotPositive();
                assertThat(world.held() + 100).isLessThanOrEqualTo(LIMIT);
                assertPublishedIsBooked(world);
              }
            });
  }

  @Test
  void onlyTheOverheadItselfCanPassTheLimitAndThenNothingNewIsGranted() {
    qt().forAll(longs().all())
        .checkAssert(
            seed -> {
              World world = new World(seed);
              for (int i = 0; i < 300; i++) {
                world.interleave();
                long overBefore = world.over();
                long overheadBefore = world.book.overheadBytes();
                world.agentStep(world.random.nextInt(1400));
                long grown = Math.max(0, world.book.overheadBytes() - overheadBefore);
                assertThat(world.over()).isLessThanOrEqualTo(Math.max(0, overBefore) + grown);
                assertThat(world.held()).isLessThanOrEqualTo(LIMIT);
                assertPublishedIsBooked(world);
              }
            });
  }

  @Test
  void whoFreesEverythingCanHaveEverything() {
    qt().forAll(longs().all())
        .checkAssert(
            seed -> {
              World world = new World(seed);
              for (int i = 0; i < 100; i++) {
                world.interleave();
                world.agentStep(100);
              }
              for (int slot = 0; slot < SLOTS; slot++) {
                world.book.detach(slot);
                world.processes[slot] = new Member();
              }
              assertThat(world.book.creditBytes()).isZero();
              world.read(world.book.overheadBytes());
              world.book.attach(3);
              assertThat(world.book.creditBytes(3)).isEqualTo(LIMIT - world.book.overheadBytes());
            });
  }

  private static void assertPublishedIsBooked(World world) {
    long sum = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
      assertThat(world.published[slot]).isEqualTo(world.book.creditBytes(slot));
      assertThat(world.published[slot]).isNotNegative();
      sum += world.published[slot];
    }
    assertThat(sum).isEqualTo(world.book.creditBytes());
  }
}
