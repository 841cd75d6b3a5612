package dev.aliquot.health.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BreakerTest {
  private final Breaker breaker = new Breaker(20);

  @ParameterizedTest
  @CsvSource({"1, 1", "4, 1", "5, 1", "9, 1", "10, 2", "100, 20", "104, 20"})
  void aShareMayBeOutAndAlwaysOne(int nodes, int most) {
    assertThat(breaker.most(nodes)).isEqualTo(most);
    assertThat(breaker.refusal(new Fleet(nodes, most - 1))).isEmpty();
    assertThat(breaker.refusal(new Fleet(nodes, most))).isPresent();
  }

  @Test
  void itSaysWhyInASentence() {
    assertThat(breaker.refusal(new Fleet(10, 5)))
        .hasValue(
            "5 of 10 nodes with GPUs are out beside this one, and health-breaker allows 2 at once:"
                + " nothing is done here until there are fewer, or a person does it");
  }

  /** Each node tells that it is out, then looks, then acts; in any order among each other. */
  @Test
  void noOrderOfNodesThatFailTogetherTakesOutMoreThanTheShare() {
    Random random = new Random(7);
    int best = 0;
    for (int round = 0; round < 2000; round++) {
      int nodes = 1 + random.nextInt(30);
      int failing = 1 + random.nextInt(nodes);
      int acted = act(nodes, failing, random);
      assertThat(acted).isLessThanOrEqualTo(breaker.most(nodes));
      best = Math.max(best, acted);
    }
    assertThat(best).as("it does not simply always refuse").isGreaterThan(1);
  }

  private int act(int nodes, int failing, Random random) {
    List<Integer> turns = new ArrayList<>();
    for (int node = 0; node < failing; node++) {
      turns.addAll(List.of(node, node));
    }
    java.util.Collections.shuffle(turns, random);
    BitSet told = new BitSet();
    int acted = 0;
    for (int node : turns) {
      if (!told.get(node)) {
        told.set(node);
      } else if (breaker.refusal(new Fleet(nodes, told.cardinality() - 1)).isEmpty()) {
        acted++;
      }
    }
    return acted;
  }
}
