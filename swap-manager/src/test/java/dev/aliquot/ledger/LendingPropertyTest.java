package dev.aliquot.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/**
 * Histories of operations on one to four devices with many tenants, which have shares of several of
 * them: every invariant of every device holds after each, and no operation changes anything on a
 * device that it is not about. A failing history is shortened, and printed as a person reads it.
 */
class LendingPropertyTest {
  private static final int LONGEST = 1000;
  private static final int MOST_DEVICES = 4;

  /** Operations in all: {@code -Daliquot.ledger.operations}. */
  private static final long OPERATIONS = Long.getLong("aliquot.ledger.operations", 400_000);

  /** The same histories each time, so that a failure is the change's; others with another seed. */
  private static final long SEED = Long.getLong("aliquot.ledger.seed", 20261125);

  /** Of a history that breaks something, the failure is that of a short one that does, too. */
  private static ModelNode run(History history) {
    try {
      return history.run();
    } catch (AssertionError | RuntimeException e) {
      History shortest = history.shortest();
      throw new AssertionError(shortest.text() + shortest.failure().orElse(e).getMessage(), e);
    }
  }

  @Test
  void everyInvariantOfEveryDeviceHoldsAfterEveryOperation() {
    LongAdder operations = new LongAdder();
    LongAdder guaranteed = new LongAdder();
    LongAdder demands = new LongAdder();
    LongAdder departures = new LongAdder();
    LongAdder returns = new LongAdder();
    LongAdder restores = new LongAdder();
    LongAdder admissions = new LongAdder();
    LongAdder refusals = new LongAdder();
    int examples = (int) Math.max(1, OPERATIONS / (LONGEST / 2));
    qt().withExamples(examples)
        .withFixedSeed(SEED)
        .withShrinkCycles(0)
        .forAll(
            integers().between(1, MOST_DEVICES),
            lists().of(integers().between(0, Integer.MAX_VALUE)).ofSizeBetween(1, LONGEST))
        .checkAssert(
            (devices, history) -> {
              ModelNode node = run(new History(devices, history));
              operations.add(node.operations);
              admissions.add(node.admissions);
              refusals.add(node.refusals);
              for (ModelDevice device : node.devices) {
                guaranteed.add(device.guaranteedAsks);
                demands.add(device.demands);
                departures.add(device.departures);
                returns.add(device.returns);
                restores.add(device.restores);
              }
            });
    System.out.printf(
        "ledger: %d operations, %d guaranteed asks, %d demands for loans, %d departures,"
            + " %d returns, %d of them from deep, %d shares admitted, %d refused%n",
        operations.sum(),
        guaranteed.sum(),
        demands.sum(),
        departures.sum(),
        returns.sum(),
        restores.sum(),
        admissions.sum(),
        refusals.sum());
    assertThat(operations.sum()).isGreaterThanOrEqualTo(OPERATIONS * 9 / 10);
    assertThat(
            List.of(
                guaranteed.sum(),
                demands.sum(),
                departures.sum(),
                returns.sum(),
                restores.sum(),
                admissions.sum(),
                refusals.sum()))
        .as("the histories reach what they are for")
        .allMatch(count -> count > 0);
  }
}
