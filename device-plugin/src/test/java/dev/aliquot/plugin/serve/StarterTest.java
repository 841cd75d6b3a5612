package dev.aliquot.plugin.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.ledger.Ledger;
import dev.aliquot.plugin.ledger.LedgerRules;
import dev.aliquot.plugin.placement.Placement;
import dev.aliquot.plugin.pod.Holders;
import dev.aliquot.plugin.support.FakeNode;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class StarterTest {
  private final FakeNode node = new FakeNode(1);
  private final Starter starter =
      new Starter(
          node,
          new Ledger("aliquot.dev/gpu-fraction", Placement.PACK, LedgerRules.DEFAULT),
          () -> new Holders(List.of(), List.of()),
          System::nanoTime,
          () -> {},
          () -> {});

  @Test
  void whatIsFoundToBeNobodysWhileItIsEndedIsEndedOnceMore() throws Exception {
    CountDownLatch ending = new CountDownLatch(1);
    CountDownLatch known = new CountDownLatch(1);
    node.beforeRelease =
        key -> {
          ending.countDown();
          await(known);
        };
    var first = CompletableFuture.supplyAsync(() -> starter.release("key"));
    ending.await();

    assertThat(starter.release("key")).as("the first sees to it").isFalse();
    known.countDown();

    assertThat(first.get()).isTrue();
    assertThat(node.released).containsExactly("key", "key");
    assertThat(starter.release("key")).as("nobody is at it any more").isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
