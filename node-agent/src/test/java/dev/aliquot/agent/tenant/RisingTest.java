package dev.aliquot.agent.tenant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.deep.FakeDriver;
import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.page.UsageWriter;
import dev.aliquot.agent.wire.PeerProcess;
import dev.aliquot.agent.wire.Reply;
import dev.aliquot.agent.wire.Request;
import dev.aliquot.cuda.CudaCheckpoint.State;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is kept for a process that the driver does not bring back at once. */
class RisingTest extends TenantFixture {
  private static final long CONTEXT = GIB / 4;

  private final AtomicLong now = new AtomicLong();
  private final FakeDriver driver = new FakeDriver();
  private Tenant tenant;
  private Member process;
  private Holding holding;
  private Answers answers;

  @BeforeEach
  void aProcessIsDeep() throws Exception {
    context =
        new TenantContext(
            context.proc(),
            context.watcher(),
            context.records(),
            context.counters(),
            context.pool(),
            context.numaNodes(),
            context.residencies(),
            new DeepContext(driver.deep, device -> CompletableFuture.completedFuture(null), null),
            context.arrivals(),
            context.podContainers(),
            context.shared(),
            now::get);
    Device device = device();
    device.learnContext(CONTEXT);
    tenant = tenant("t", device, GIB, 4 * GIB);
    process = attach(tenant);
    holding = tenant.holding(0).orElseThrow();
    UsageWriter usage = new UsageWriter(files(tenant).usage(), process.slot);
    usage.report(process.generation, 1, 0);
    usage.goBare();
    driver.stands(State.CHECKPOINTED);
    answers = new Answers(tenant, context, unused -> read(), Duration.ofMinutes(1));
  }

  private CompletableFuture<Void> read() {
    holding.book.beginReading();
    holding.book.endReading(0);
    return CompletableFuture.completedFuture(null);
  }

  @AfterEach
  void release() {
    tenant.release();
    driver.deep.close();
  }

  private Reply resume() {
    return answers
        .answer(
            new PeerProcess(process.id.pid(), 0, 0),
            new Request.Resume(process.slot, process.generation),
            () -> false)
        .toCompletableFuture()
        .join();
  }

  private void comesBack() {
    assertThat(resume()).isInstanceOf(Reply.Granted.class);
    assertThat(process.depth).isEqualTo(Depth.HOT);
    assertThat(driver.state()).isEqualTo(State.RUNNING);
    assertThat(holding.book.isAway(process.slot)).isFalse();
    assertThat(holding.book.deep().reservedContextBytes(process.slot)).isEqualTo(CONTEXT);
  }

  @Test
  void whatIsRestoredAndNotUnlockedKeepsItsRoom() {
    driver.unlocksNothing();
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    assertThat(driver.state()).isEqualTo(State.LOCKED);
    assertThat(holding.book.deep().reservedContextBytes(process.slot)).isEqualTo(CONTEXT);
    assertThat(holding.book.deep().missingContextBytes(process.slot)).isZero();
    driver.stands(State.LOCKED);
    comesBack();
  }

  @Test
  void whatIsNotRestoredKeepsNothing() {
    driver.restoresNothing();
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    assertThat(holding.book.deep().reservedContextBytes(process.slot)).isZero();
    assertThat(holding.book.deep().missingContextBytes(process.slot)).isEqualTo(CONTEXT);
    assertThat(holding.book.isAway(process.slot)).isTrue();
    assertThat(holding.book.coveredBytes(process.slot)).isZero();
    driver.stands(State.CHECKPOINTED);
    comesBack();
  }

  @Test
  void whatTheDriverGaveUpIsTriedAgainNowAndThen() {
    driver.givesUp();
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    assertThat(process.depth).isEqualTo(Depth.LOST);
    driver.stands(State.CHECKPOINTED);
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    assertThat(driver.isCalled()).as("not so soon").isFalse();
    now.addAndGet(Duration.ofSeconds(6).toNanos());
    comesBack();
    assertThat(context.counters().lostProcesses.sum()).isEqualTo(1);
  }

  @Test
  void aStepThatEndedWithoutAWordIsNotWaitedForForEver() {
    driver.restoresNothing();
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    driver.stands(State.CHECKPOINTED);
    for (Depth between : new Depth[] {Depth.RISING, Depth.DIVING}) {
      process.depth = between;
      process.underWay = CompletableFuture.failedFuture(new IllegalStateException("a bug"));
      comesBack();
    }
  }

  @Test
  void aProcessThatHasNotGotToItsReportYetIsNotTakenForDeepAgain() {
    comesBack();
    comesBack();
  }

  @Test
  void aReadingThatBeganBeforeItWasFoundToBeDeepForgetsNothingOfIt() throws Exception {
    new UsageWriter(files(tenant).usage(), process.slot).hold(0, GIB / 2);
    Reports reports = tenant.beginReading(holding.device).orElseThrow();
    Tenant locked = tenant;
    synchronized (locked) { // what the driver says comes after the reading
      tenant.diving().adopt(process);
      tenant.endReading(reports, DeviceReading.NONE, 0);
    }
    assertThat(process.underWay).succeedsWithin(Duration.ofSeconds(30));
    assertThat(process.depth).isEqualTo(Depth.DEEP);
    assertThat(holding.book.deep().missingBytes(process.slot)).isEqualTo(CONTEXT + GIB / 2);
  }

  @Test
  void whoSaysHelloIsWhatTheDriverSaysOfIt() throws Exception {
    driver.restoresNothing();
    assertThat(resume()).isInstanceOf(Reply.Refused.class);
    driver.stands(State.CHECKPOINTED);
    assertThat(attach(tenant)).isSameAs(process);
    assertThat(process.underWay).succeedsWithin(Duration.ofSeconds(30));
    assertThat(process.depth).as("the same program").isEqualTo(Depth.DEEP);
    assertThat(holding.book.deep().missingBytes(process.slot)).isEqualTo(CONTEXT);
    driver.stands(State.RUNNING);
    attach(tenant);
    assertThat(process.underWay).succeedsWithin(Duration.ofSeconds(30));
    assertThat(process.depth).as("another program").isEqualTo(Depth.HOT);
    assertThat(holding.book.deep().missingBytes(process.slot)).isZero();
  }
}
