package dev.aliquot.agent.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.longs;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/**
 * Many tenants do anything in any order, with driver calls in between wherever they fall: no chunk
 * ever reaches two of them, no bound is passed, and nothing is left at the end.
 */
class OwnershipPropertyTest {
  private static final long MIB = 1L << 20;
  private static final long SIZE = 640 * MIB;
  private static final long MAY_BORROW = 256 * MIB;
  private static final long[] SIZES = {64 * MIB, 64 * MIB, 2 * MIB, 32 * MIB, 3 * MIB, 0, -1};
  private static final int TENANTS = 5;
  private static final int SLOTS = 3;
  private static final int STEPS = 300;

  @Test
  void noChunkEverReachesTwoTenants() {
    qt().withExamples(60).forAll(longs().all()).checkAssert(seed -> new Run(seed).run());
  }

  private static final class Run {
    private final Random random;
    private final FakeMaker maker = new FakeMaker();
    private final HostPool pool;
    private final List<Model> tenants = new ArrayList<>();

    /** Who has had which chunk, for ever. */
    private final Map<Integer, String> ownerOf = new ConcurrentHashMap<>();

    /** The driver's thread reports here what it must not throw. */
    private final List<String> faults = new ArrayList<>();

    private int names;

    private record Model(
        String name, TenantChunks chunks, Map<Holder, List<Long>> hands, List<Integer> had) {}

    Run(long seed) {
      random = new Random(seed);
      pool =
          new HostPool(
              new PoolBounds(SIZE, 0, random.nextBoolean() ? 128 * MIB : 0),
              () -> new HostMemory(1L << 40, 1L << 39),
              maker,
              1,
              Duration.ofMinutes(1),
              maker::closeDescriptor);
    }

    void run() {
      List<CompletableFuture<Void>> pending = new ArrayList<>();
      for (int i = 0; i < TENANTS; i++) {
        tenants.add(newTenant());
      }
      for (int step = 0; step < STEPS; step++) {
        int index = random.nextInt(TENANTS);
        Model tenant = tenants.get(index);
        Holder holder = new Holder(random.nextInt(SLOTS), 1);
        switch (random.nextInt(12)) {
          case 0 -> {
            synchronized (faults) {
              tenant.hands().remove(holder);
            }
            tenant.chunks().processGone(holder);
          }
          case 1, 2, 3 -> giveBackAny(tenant, holder);
          case 4 -> {
            if (random.nextInt(4) == 0) {
              end(tenant);
              tenants.set(index, newTenant());
            }
          }
          case 5 -> join(pending);
          case 6 -> tenant.chunks().expect(random.nextInt(2));
          default -> pending.add(take(tenant, holder));
        }
        check();
      }
      join(pending);
      tenants.forEach(this::end);
      assertThat(pool.view().takenBytes() + pool.view().idleBytes()).isZero();
      pool.close();
      assertThat(maker.liveBytes()).isZero();
      assertThat(maker.openDescriptors()).isZero();
      assertThat(maker.mostBytes()).isLessThanOrEqualTo(SIZE);
      assertThat(faults).isEmpty();
    }

    private Model newTenant() {
      String name = "t" + names++;
      return new Model(name, pool.open(name), new HashMap<>(), new ArrayList<>());
    }

    private CompletableFuture<Void> take(Model tenant, Holder holder) {
      long bytes = SIZES[random.nextInt(SIZES.length)];
      return tenant
          .chunks()
          .take(holder, 0, random.nextInt(2), new Allowance(MAY_BORROW, Long.MAX_VALUE), bytes)
          .thenAccept(
              taken -> {
                if (taken instanceof Taken.Given given) {
                  received(tenant, holder, given);
                }
              });
    }

    private void received(Model tenant, Holder holder, Taken.Given given) {
      synchronized (faults) {
        int chunk = maker.chunkOf(given.descriptor());
        String owner = ownerOf.putIfAbsent(chunk, tenant.name());
        if (owner != null && !owner.equals(tenant.name())) {
          faults.add("chunk " + chunk + " of " + owner + " reached " + tenant.name());
        }
        tenant.hands().computeIfAbsent(holder, ignored -> new ArrayList<>()).add(given.id());
        tenant.had().add(chunk);
        maker.closeDescriptor(given.descriptor());
      }
    }

    /** Mostly an own id, sometimes anybody's. */
    private void giveBackAny(Model tenant, Holder holder) {
      synchronized (faults) {
        Model of = random.nextInt(4) == 0 ? tenants.get(random.nextInt(TENANTS)) : tenant;
        List<Long> ids =
            of.hands().getOrDefault(new Holder(random.nextInt(SLOTS), 1), new ArrayList<>());
        long id = ids.isEmpty() ? random.nextLong() : ids.get(random.nextInt(ids.size()));
        tenant.chunks().giveBack(holder, id);
      }
    }

    private void end(Model tenant) {
      tenant.chunks().end();
      CompletableFuture<Void> driverIsThrough = new CompletableFuture<>();
      pool.worker.submit(() -> driverIsThrough.complete(null));
      driverIsThrough.join();
      synchronized (faults) {
        for (int chunk : tenant.had()) {
          assertThat(maker.isAlive(chunk)).as("a chunk of an ended tenant").isFalse();
        }
      }
    }

    private void check() {
      synchronized (faults) {
        assertThat(faults).isEmpty();
        assertThat(maker.liveBytes()).isLessThanOrEqualTo(SIZE);
        assertThat(pool.view().madeBytes()).isLessThanOrEqualTo(SIZE);
        pool.view()
            .tenants()
            .forEach(
                share ->
                    assertThat(share.takenBytes() + share.idleBytes())
                        .isLessThanOrEqualTo(MAY_BORROW));
        for (Model tenant : tenants) {
          for (int chunk : tenant.had()) {
            assertThat(maker.isAlive(chunk)).as("while its tenant lives").isTrue();
          }
        }
      }
    }

    private static void join(List<CompletableFuture<Void>> pending) {
      pending.forEach(CompletableFuture::join);
      pending.clear();
    }
  }
}
