package dev.aliquot.agent.pool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.HostPoolView;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The pool's bounds, and what becomes of chunks. */
class HostPoolTest {
  private static final long MIB = 1L << 20;
  private static final long CHUNK = 64 * MIB;
  private static final long PLENTY = 1L << 40;
  private static final Holder FIRST = new Holder(0, 3);
  private static final Holder SECOND = new Holder(1, 5);

  private final FakeMaker maker = new FakeMaker();
  private volatile long availableBytes = PLENTY;
  private HostPool pool = pool(PLENTY, 0, 0);

  private HostPool pool(long size, long reserve, long prepared) {
    return pool(size, reserve, prepared, Duration.ofMinutes(1));
  }

  private HostPool pool(long size, long reserve, long prepared, Duration patience) {
    return new HostPool(
        new PoolBounds(size, reserve, prepared),
        () -> new HostMemory(PLENTY, availableBytes),
        maker,
        77,
        patience,
        maker::closeDescriptor);
  }

  @AfterEach
  void everythingIsDestroyedAtTheEnd() {
    pool.close();
    assertThat(maker.liveBytes()).isZero();
  }

  /** However much of it is for one process. */
  private static Allowance atMost(long bytes) {
    return new Allowance(bytes, Long.MAX_VALUE);
  }

  private static Taken take(TenantChunks tenant, Holder holder, long bytes) {
    return tenant.take(holder, 0, 0, atMost(PLENTY), bytes).join();
  }

  private Taken.Given given(TenantChunks tenant, Holder holder, long bytes) {
    Taken taken = take(tenant, holder, bytes);
    assertThat(taken).isInstanceOf(Taken.Given.class);
    Taken.Given given = (Taken.Given) taken;
    assertThat(given.id()).isNotZero();
    assertThat(given.bytes()).isEqualTo(bytes);
    maker.closeDescriptor(given.descriptor());
    return given;
  }

  private int chunk(Taken.Given given) {
    return maker.chunkOf(given.descriptor());
  }

  private static String refusal(Taken taken) {
    assertThat(taken).isInstanceOf(Taken.Refused.class);
    return ((Taken.Refused) taken).sentence();
  }

  @Test
  void aChunkInHandIsOpenedAgainForItsHolderAlone() {
    TenantChunks tenant = pool.open("t");
    Taken.Given first = given(tenant, FIRST, CHUNK);
    Taken again = tenant.reopen(FIRST, first.id()).join();
    assertThat(again).isInstanceOf(Taken.Given.class);
    assertThat(((Taken.Given) again).id()).isEqualTo(first.id());
    assertThat(chunk((Taken.Given) again)).isEqualTo(chunk(first));
    maker.closeDescriptor(((Taken.Given) again).descriptor());
    assertThat(tenant.bytesOf(FIRST)).isEqualTo(CHUNK);
    assertThat(refusal(tenant.reopen(SECOND, first.id()).join())).contains("has no chunk");
    assertThat(refusal(tenant.reopen(FIRST, -1).join())).contains("18446744073709551615");
    tenant.giveBack(FIRST, first.id());
    assertThat(refusal(tenant.reopen(FIRST, first.id()).join())).contains("has no chunk");
  }

  @Test
  void theDriverIsOpenedWhenAChunkIsNeededAndOnlyOnce() {
    TenantChunks tenant = pool.open("t");
    assertThat(pool.view().available()).isTrue();
    assertThat(maker.timesOpened()).isZero();
    given(tenant, FIRST, CHUNK);
    given(tenant, FIRST, 2 * MIB);
    assertThat(maker.timesOpened()).isEqualTo(1);
  }

  @Test
  void aDriverThatCannotBeOpenedIsTriedOnceAndItsReasonShown() {
    maker.openFailure = "there is no such file";
    TenantChunks tenant = pool.open("t");
    assertThat(refusal(take(tenant, FIRST, CHUNK)))
        .contains("cannot be opened")
        .contains("there is no such file");
    assertThat(refusal(take(tenant, FIRST, CHUNK)))
        .startsWith("this node has no host pool: ")
        .contains("there is no such file");
    HostPoolView view = pool.view();
    assertThat(view.available()).isFalse();
    assertThat(view.reason()).contains("there is no such file");
    assertThat(view.madeBytes()).isZero();
    assertThat(view.refusals()).isEqualTo(2);
    assertThat(maker.timesOpened()).isEqualTo(1);
  }

  @Test
  void aPoolOfNoSizeSaysSo() {
    pool = pool(0, 0, 4 * CHUNK);
    pool.open("t").expect(0);
    assertThat(refusal(take(pool.open("t"), FIRST, CHUNK))).contains("host-pool-size is 0");
    assertThat(pool.view().available()).isFalse();
    assertThat(maker.timesOpened()).isZero();
  }

  @Test
  void sizesThatNoChunkCanHaveAreRefused() {
    TenantChunks tenant = pool.open("t");
    assertThat(refusal(take(tenant, FIRST, 0))).endsWith("bytes, not 0");
    assertThat(refusal(take(tenant, FIRST, -1))).endsWith("bytes, not 18446744073709551615");
    assertThat(refusal(take(tenant, FIRST, CHUNK + 2 * MIB)))
        .isEqualTo("a host chunk has from 1 to 67108864 bytes, not 69206016");
    assertThat(refusal(take(tenant, FIRST, 1)))
        .isEqualTo("a host chunk is a multiple of 2097152 bytes, which 1 is not");
    assertThat(refusal(take(tenant, FIRST, 3 * MIB))).endsWith("which 3145728 is not");
    assertThat(pool.view().madeBytes()).isZero();
    given(tenant, FIRST, 6 * MIB);
  }

  @Test
  void thePoolNeverPassesItsSize() {
    pool = pool(2 * CHUNK + 4 * MIB, 0, 0);
    TenantChunks tenant = pool.open("t");
    given(tenant, FIRST, CHUNK);
    given(pool.open("u"), FIRST, CHUNK);
    assertThat(refusal(take(tenant, FIRST, 6 * MIB)))
        .isEqualTo("the host pool is full: 134217728 of 138412032 bytes are made");
    given(tenant, FIRST, 4 * MIB);
    assertThat(refusal(take(tenant, FIRST, 2 * MIB))).startsWith("the host pool is full");
  }

  @Test
  void noChunkIsMadeThatWouldLeaveTheMachineWithLessThanTheReserve() {
    pool = pool(PLENTY, 1024 * MIB, 0);
    TenantChunks tenant = pool.open("t");
    availableBytes = 1024 * MIB + CHUNK - 1;
    assertThat(refusal(take(tenant, FIRST, CHUNK))).contains("host-pool-reserve");
    assertThat(pool.view().reason()).contains("host-pool-reserve");
    assertThat(pool.view().available()).isTrue();
    availableBytes = 1024 * MIB + CHUNK;
    given(tenant, FIRST, CHUNK);
    assertThat(pool.view().reason()).isEmpty();
    assertThat(pool.view().madeBytes()).isEqualTo(CHUNK);
  }

  @Test
  void aTenantHasNoMoreForADeviceThanItMayBorrowThere() {
    TenantChunks tenant = pool.open("t");
    Taken.Given one = given(tenant, FIRST, CHUNK);
    assertThat(refusal(tenant.take(SECOND, 0, 0, atMost(CHUNK), 2 * MIB).join()))
        .isEqualTo(
            "this tenant has 67108864 bytes of host chunks for this device, and may have 67108864;"
                + " 2097152 more would be too much");
    tenant.giveBack(FIRST, one.id());
    assertThat(refusal(tenant.take(SECOND, 0, 0, atMost(CHUNK), 2 * MIB).join()))
        .as("what is idle may still be read by whoever kept a descriptor")
        .contains("would be too much");
    assertThat(tenant.take(SECOND, 1, 0, atMost(CHUNK), 2 * MIB).join())
        .isInstanceOf(Taken.Given.class);
    assertThat(refusal(tenant.take(SECOND, 2, 0, atMost(-5), 2 * MIB).join()))
        .contains("may have 0;");
  }

  @Test
  void noMoreIsMadeForAProcessThanItNeedsAndWhatIsIdleCostsNothing() {
    TenantChunks tenant = pool.open("t");
    Allowance forOne = new Allowance(PLENTY, CHUNK);
    assertThat(refusal(tenant.take(FIRST, 0, 0, new Allowance(PLENTY, 0), CHUNK).join()))
        .startsWith("no more than 0 bytes of host chunks are made for this process");
    Taken.Given idle = given(tenant, SECOND, CHUNK);
    tenant.giveBack(SECOND, idle.id());
    assertThat(tenant.take(FIRST, 0, 0, new Allowance(PLENTY, 0), CHUNK).join())
        .as("the tenant has it anyway")
        .isInstanceOf(Taken.Given.class);
    assertThat(tenant.madeBytes(FIRST, 0)).isZero();
    Taken taken = tenant.take(FIRST, 0, 0, forOne, CHUNK).join();
    assertThat(taken).isInstanceOf(Taken.Given.class);
    assertThat(tenant.madeBytes(FIRST, 0)).isEqualTo(CHUNK);
    tenant.giveBack(FIRST, ((Taken.Given) taken).id());
    assertThat(tenant.madeBytes(FIRST, 0)).as("it has had it").isEqualTo(CHUNK);
    assertThat(refusal(tenant.take(FIRST, 0, 0, forOne, 2 * MIB).join()))
        .contains("it has had 67108864, 2097152 more would be too much");
    assertThat(tenant.take(FIRST, 1, 0, forOne, CHUNK).join())
        .as("another device")
        .isInstanceOf(Taken.Given.class);
    maker.refusal = "no memory";
    assertThat(refusal(tenant.take(SECOND, 1, 0, atMost(PLENTY), CHUNK).join()))
        .contains("no memory");
    assertThat(tenant.madeBytes(SECOND, 1)).as("it was not made").isZero();
  }

  @Test
  void aChunkThatCameBackGoesToTheSameTenantAndOnlyThere() {
    TenantChunks tenant = pool.open("t");
    TenantChunks other = pool.open("u");
    Taken.Given first = given(tenant, FIRST, CHUNK);
    other.giveBack(FIRST, first.id());
    assertThat(tenant.bytesOf(FIRST))
        .as("an id of somebody else's changes nothing")
        .isEqualTo(CHUNK);
    tenant.giveBack(SECOND, first.id());
    assertThat(tenant.bytesOf(FIRST)).as("nor does a sibling's").isEqualTo(CHUNK);
    tenant.giveBack(FIRST, first.id());
    assertThat(pool.view().idleBytes()).isEqualTo(CHUNK);
    assertThat(chunk(given(other, FIRST, CHUNK))).isNotEqualTo(chunk(first));
    assertThat(chunk(given(tenant, SECOND, 2 * MIB))).isNotEqualTo(chunk(first));
    Taken.Given again = given(tenant, SECOND, CHUNK);
    assertThat(chunk(again)).isEqualTo(chunk(first));
    assertThat(again.id()).isNotEqualTo(first.id());
    tenant.giveBack(FIRST, first.id());
    tenant.giveBack(SECOND, first.id());
    assertThat(tenant.bytesOf(SECOND)).as("an old id means nothing").isEqualTo(CHUNK + 2 * MIB);
  }

  @Test
  void whatADeadProcessHadIsKeptForItsTenantUntilThatEnds() {
    TenantChunks tenant = pool.open("t");
    Taken.Given first = given(tenant, FIRST, CHUNK);
    tenant.processGone(FIRST);
    assertThat(pool.view().takenBytes()).isZero();
    assertThat(maker.isAlive(chunk(first))).isTrue();
    assertThat(chunk(given(tenant, SECOND, CHUNK))).isEqualTo(chunk(first));
    tenant.processGone(SECOND);
    tenant.end();
    tenant.end();
    assertThat(pool.view().madeBytes()).isZero();
    assertThat(pool.view().tenants()).isEmpty();
    assertThat(refusal(take(tenant, FIRST, CHUNK))).contains("ended");
    Eventually.soon(() -> assertThat(maker.isAlive(chunk(first))).isFalse());
  }

  @Test
  void whatAnEarlierAgentHandedOutCountsUntilItIsBackOrItsProcessGone() {
    pool = pool(4 * CHUNK, 0, 0);
    HostPool earlier = pool(PLENTY, 0, 0);
    Taken.Given old = given(earlier.open("t"), FIRST, CHUNK);
    earlier.close();
    TenantChunks tenant = pool.open("t");
    tenant.restore(FIRST, 2 * CHUNK);
    tenant.restore(SECOND, CHUNK);
    assertThat(pool.view().takenBytes()).isEqualTo(3 * CHUNK);
    assertThat(pool.view().madeBytes()).isEqualTo(3 * CHUNK);
    assertThat(refusal(tenant.take(new Holder(2, 1), 0, 0, atMost(3 * CHUNK), 2 * MIB).join()))
        .contains("would be too much");
    given(pool.open("u"), FIRST, CHUNK);
    assertThat(refusal(take(pool.open("u"), FIRST, CHUNK))).startsWith("the host pool is full");
    tenant.giveBack(FIRST, old.id());
    assertThat(tenant.bytesOf(FIRST)).isEqualTo(CHUNK);
    tenant.giveBack(FIRST, old.id());
    tenant.giveBack(FIRST, old.id());
    assertThat(tenant.bytesOf(FIRST)).as("never below nothing").isZero();
    assertThat(tenant.bytesOf(SECOND)).isEqualTo(CHUNK);
    tenant.processGone(SECOND);
    assertThat(pool.view().madeBytes()).isEqualTo(CHUNK);
    assertThat(pool.view().tenants().getFirst().earlierBytes()).isZero();
  }

  @Test
  void whatAnEarlierAgentHandedOutIsMadeAnewOnePieceAtATime() {
    pool = pool(8 * CHUNK, 0, 0);
    HostPool earlier = pool(PLENTY, 0, 0);
    TenantChunks before = earlier.open("t");
    for (int other = 0; other < 4; other++) { // these two agents of one moment count alike
      given(before, SECOND, CHUNK);
    }
    Taken.Given first = given(before, FIRST, CHUNK);
    Taken.Given second = given(before, FIRST, CHUNK);
    earlier.close();
    TenantChunks tenant = pool.open("t");
    tenant.restore(FIRST, 2 * CHUNK);
    Allowance nothing = new Allowance(2 * CHUNK, 0);
    assertThat(tenant.take(FIRST, 1, 0, nothing, CHUNK).join()).isInstanceOf(Taken.Given.class);
    assertThat(refusal(tenant.take(FIRST, 1, 0, nothing, CHUNK).join())).contains("too much");
    assertThat(refusal(tenant.take(SECOND, 1, 0, nothing, CHUNK).join())).contains("too much");
    tenant.giveBack(FIRST, first.id());
    assertThat(tenant.take(FIRST, 0, 0, nothing, CHUNK).join()).isInstanceOf(Taken.Given.class);
    assertThat(refusal(tenant.take(FIRST, 0, 0, nothing, CHUNK).join())).contains("too much");
    assertThat(tenant.madeBytes(FIRST, 0)).as("not for a demand").isZero();
    tenant.giveBack(FIRST, second.id());
    assertThat(refusal(tenant.take(FIRST, 0, 0, nothing, CHUNK).join())).contains("too much");
    assertThat(tenant.bytesOf(FIRST)).isEqualTo(2 * CHUNK);
  }

  @Test
  void chunksAreMadeAheadWhereSomebodyMayBorrowAndOnlyThere() {
    pool = pool(3 * CHUNK, 0, 2 * CHUNK);
    TenantChunks tenant = pool.open("t");
    assertThat(maker.timesOpened()).isZero();
    tenant.expect(1);
    Eventually.soon(() -> assertThat(pool.view().preparedBytes()).isEqualTo(2 * CHUNK));
    assertThat(maker.nodes()).containsExactly(1, 1);
    assertThat(tenant.take(FIRST, 0, 1, atMost(PLENTY), CHUNK).join())
        .isInstanceOf(Taken.Given.class);
    Eventually.soon(() -> assertThat(pool.view().madeBytes()).isEqualTo(3 * CHUNK));
    assertThat(take(tenant, FIRST, 2 * MIB))
        .as("what is ready elsewhere makes room")
        .isInstanceOf(Taken.Given.class);
    assertThat(maker.mostBytes()).isEqualTo(3 * CHUNK);
    tenant.end();
    pool.open("u").expect(0);
    Eventually.soon(
        () -> {
          assertThat(pool.view().preparedBytes()).isEqualTo(2 * CHUNK);
          assertThat(maker.liveBytes()).isEqualTo(2 * CHUNK);
        });
    assertThat(maker.nodes()).endsWith(0, 0);
  }

  @Test
  void aProcessThatGoesWhileItsChunkIsMadeLosesItToItsTenant() {
    CountDownLatch hang = new CountDownLatch(1);
    maker.hang = hang;
    TenantChunks tenant = pool.open("t");
    CompletableFuture<Taken> taken = tenant.take(FIRST, 0, 0, atMost(PLENTY), CHUNK);
    CompletableFuture<Taken> ofEnded = pool.open("u").take(FIRST, 0, 0, atMost(PLENTY), CHUNK);
    tenant.processGone(FIRST);
    hang.countDown();
    assertThat(refusal(taken.join())).contains("has left its slot");
    assertThat(pool.view().idleBytes()).isEqualTo(CHUNK);
    assertThat(ofEnded.join()).isInstanceOf(Taken.Given.class);
  }

  @Test
  void aTenantThatEndsWhileItsChunkIsMadeNeverGetsIt() {
    CountDownLatch hang = new CountDownLatch(1);
    maker.hang = hang;
    TenantChunks tenant = pool.open("t");
    CompletableFuture<Taken> taken = tenant.take(FIRST, 0, 0, atMost(PLENTY), CHUNK);
    tenant.end();
    hang.countDown();
    assertThat(refusal(taken.join())).contains("this tenant has ended");
    assertThat(pool.view().madeBytes()).isZero();
    assertThat(maker.liveBytes()).isZero();
  }

  @Test
  void whoWaitsForADriverThatHangsIsToldAndWhatComesLateIsKept() {
    CountDownLatch hang = new CountDownLatch(1);
    maker.hang = hang;
    pool = pool(PLENTY, 0, 0, Duration.ofSeconds(4));
    TenantChunks tenant = pool.open("t");
    assertThat(refusal(take(tenant, FIRST, CHUNK))).contains("no host chunk in time");
    assertThat(pool.view().refusals()).isEqualTo(1);
    Eventually.soon(
        () ->
            assertThat(refusal(tenant.take(SECOND, 0, 0, atMost(PLENTY), CHUNK).getNow(null)))
                .contains("the CUDA driver has not come back for "));
    assertThat(pool.view().available()).isFalse();
    hang.countDown();
    Eventually.soon(() -> assertThat(pool.view().idleBytes()).isEqualTo(CHUNK));
    assertThat(maker.openDescriptors()).isZero();
  }

  @Test
  void aDescriptorThatComesTooLateIsClosed() {
    CountDownLatch hang = new CountDownLatch(1);
    maker.hangExport = hang;
    pool = pool(PLENTY, 0, 0, Duration.ofSeconds(4));
    TenantChunks tenant = pool.open("t");
    assertThat(refusal(take(tenant, FIRST, CHUNK))).contains("no host chunk in time");
    hang.countDown();
    Eventually.soon(
        () -> {
          assertThat(pool.view().idleBytes()).isEqualTo(CHUNK);
          assertThat(maker.timesExported()).isEqualTo(1);
          assertThat(maker.openDescriptors()).isZero();
        });
  }

  @Test
  void aRefusalOfTheDriverIsPassedOnAndTheNextWishTriedAgain() {
    maker.refusal = "out of memory";
    TenantChunks tenant = pool.open("t");
    assertThat(refusal(take(tenant, FIRST, CHUNK))).contains("out of memory");
    maker.refusal = null;
    given(tenant, FIRST, CHUNK);
    assertThat(pool.view().madeBytes()).isEqualTo(CHUNK);
  }

  @Test
  void aClosedPoolSaysThatItStopsAndKeepsTheFigures() {
    TenantChunks tenant = pool.open("t");
    given(tenant, FIRST, CHUNK);
    pool.close();
    assertThat(maker.liveBytes()).isZero();
    assertThat(take(tenant, FIRST, CHUNK)).isInstanceOf(Taken.Stopping.class);
    assertThat(tenant.bytesOf(FIRST)).as("for the next agent").isEqualTo(CHUNK);
    tenant.end();
    pool.close();
  }
}
