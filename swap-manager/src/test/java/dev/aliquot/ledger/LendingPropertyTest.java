package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Histories of operations on a device with many tenants: every invariant holds after each. A
 * failing history is shortened, and printed as a person reads it.
 */
class LendingPropertyTest {
  private static final int LONGEST = 400;

  /** Operations in all: {@code -Daliquot.ledger.operations}. */
  private static final long OPERATIONS = Long.getLong("aliquot.ledger.operations", 400_000);

  /** The same histories each time, so that a failure is the change's; others with another seed. */
  private static final long SEED = Long.getLong("aliquot.ledger.seed", 20261125);

  /** An operation as a number: what, whose, and the seed of everything else about it. */
  private enum Operation {
    PROCESS_COMES_OR_GOES,
    ASK,
    ASK_AGAIN,
    ASK_ONCE_MORE,
    READING,
    PROMOTE,
    CANNOT_GIVE_BACK,
    FORGIVE,
    RESIZE,
    STRANGER;

    static Operation of(int code) {
      return values()[(code & 0xff) % values().length];
    }
  }

  private static int tenant(int code, ModelDevice device) {
    return (code >> 8 & 0xff) % device.tenants.size();
  }

  private static int slot(int code) {
    return (code >> 16 & 0xff) % 3;
  }

  private static ModelDevice device() {
    ModelDevice device = new ModelDevice();
    device.add(new Share(1000, ModelDevice.CAPACITY), 20);
    device.add(new Share(1000, ModelDevice.CAPACITY), 0);
    device.add(new Share(500, 2500), 50);
    device.add(Share.fixed(700), 10);
    device.add(new Share(300, 301), 5);
    device.add(new Share(100, 3000), 0);
    return device;
  }

  private static void apply(ModelDevice device, int code) {
    device.random = new Random(code * 0x9E3779B97F4A7C15L);
    ModelDevice.Tenant tenant = device.tenants.get(tenant(code, device));
    int slot = slot(code);
    ModelProcess process = tenant.processes[slot];
    for (int i = device.random.nextInt(12); i > 0; i--) {
      device.interleave();
    }
    switch (Operation.of(code)) {
      case PROCESS_COMES_OR_GOES -> {
        if (process.attached && device.random.nextInt(6) == 0) {
          process.end();
          tenant.account.detach(slot);
        } else if (!process.attached) {
          tenant.account.attach(slot);
          process.attached = true;
        }
      }
      case ASK, ASK_AGAIN, ASK_ONCE_MORE -> {
        device.askWhoMust(tenant, slot);
      }
      case READING -> device.read();
      case PROMOTE -> device.book.promote();
      case CANNOT_GIVE_BACK -> {
        if (process.attached) {
          tenant.account.moved(slot, true);
        }
      }
      case FORGIVE -> device.book.forgiveStuck();
      case RESIZE -> resize(device, tenant);
      case STRANGER -> device.book.foreign(device.foreign);
    }
    device.check();
  }

  private static void resize(ModelDevice device, ModelDevice.Tenant tenant) {
    long request = 1L + device.random.nextInt(1200);
    // what is held stays within the limit, and what cannot move within the request
    request = Math.max(request, tenant.share.requestBytes() - tenant.fixedRoom());
    long limit =
        Math.min(
            ModelDevice.CAPACITY,
            Math.max(tenant.share.limitBytes(), request + device.random.nextInt(1500)));
    Share share = new Share(request, Math.max(request, limit));
    if (device.book.resize(tenant.name, share) instanceof Admission.Admitted) {
      tenant.share = share;
    }
  }

  private static String text(List<Integer> history) {
    ModelDevice device = device();
    return history.stream()
        .map(
            code ->
                Operation.of(code)
                    + " t"
                    + tenant(code, device)
                    + "."
                    + slot(code)
                    + " ("
                    + code
                    + ")")
        .collect(Collectors.joining("\n", "\n", "\n"));
  }

  @Test
  void everyInvariantHoldsAfterEveryOperation() {
    AtomicLong operations = new AtomicLong();
    AtomicLong guaranteed = new AtomicLong();
    AtomicLong demands = new AtomicLong();
    int examples = (int) Math.max(1, OPERATIONS / (LONGEST / 2));
    qt().withExamples(examples)
        .withFixedSeed(SEED)
        .withShrinkCycles(2000)
        .forAll(
            lists()
                .of(integers().between(0, Integer.MAX_VALUE))
                .ofSizeBetween(1, LONGEST)
                .describedAs(LendingPropertyTest::text))
        .checkAssert(
            history -> {
              ModelDevice device = device();
              history.forEach(code -> apply(device, code));
              operations.addAndGet(device.operations);
              guaranteed.addAndGet(device.guaranteedAsks);
              demands.addAndGet(device.demands);
            });
    System.out.printf(
        "ledger: %d operations, %d guaranteed asks, %d demands for loans%n",
        operations.get(), guaranteed.get(), demands.get());
    assertThat(operations.get()).isGreaterThanOrEqualTo(OPERATIONS * 9 / 10);
    assertThat(demands.get()).as("the histories reach what they are for").isPositive();
    assertThat(guaranteed.get()).isPositive();
  }
}
