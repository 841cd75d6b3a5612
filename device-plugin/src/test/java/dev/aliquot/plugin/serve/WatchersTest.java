package dev.aliquot.plugin.serve;

import static dev.aliquot.plugin.support.Eventually.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.plugin.count.Count;
import dev.aliquot.plugin.count.Counters;
import dev.aliquot.plugin.proto.deviceplugin.Device;
import dev.aliquot.plugin.proto.deviceplugin.ListAndWatchResponse;
import dev.aliquot.plugin.support.FakeNode;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchersTest {
  private final FakeNode node = new FakeNode(2);
  private final Counters counters = new Counters();
  private final AtomicLong nanos = new AtomicLong(1);
  private final AtomicInteger open = new AtomicInteger();
  private final Watchers watchers =
      new Watchers(
          new DeviceList(node), counters, nanos::get, open::incrementAndGet, open::decrementAndGet);

  @AfterEach
  void close() {
    watchers.close();
  }

  @Test
  void theListIsSentAtOnceAndAgainOnlyWhenItHasChanged() {
    Stream stream = new Stream(true);
    watchers.add(stream);
    soon(() -> assertThat(stream.lists).hasSize(1));
    assertThat(stream.lists.getFirst().getDevicesCount()).isEqualTo(200);

    watchers.changed();
    node.setHealthy(1, false);
    watchers.changed();

    soon(() -> assertThat(stream.lists).hasSize(2));
    assertThat(stream.lists.get(1).getDevicesList().stream().map(Device::getHealth))
        .filteredOn("Unhealthy"::equals)
        .hasSize(100);
    assertThat(counters.figures().of(Count.LISTS_SENT)).isEqualTo(2);
  }

  @Test
  void changesThatComeTogetherGoOutTogetherAndEndWithTheLast() {
    Stream stream = new Stream(true);
    watchers.add(stream);
    for (int i = 0; i < 1_001; i++) {
      node.setHealthy(0, i % 2 == 1);
      watchers.changed();
    }
    soon(() -> assertThat(stream.lists.getLast().getDevices(0).getHealth()).isEqualTo("Unhealthy"));
    assertThat(stream.lists.size()).isLessThan(500);
  }

  @Test
  void whoDoesNotReadIsDroppedAndTheOthersAreFed() {
    Stream stuck = new Stream(false);
    Stream good = new Stream(true);
    watchers.add(stuck);
    watchers.add(good);
    soon(() -> assertThat(good.lists).hasSize(1));
    assertThat(open.get()).isEqualTo(2);

    node.setHealthy(0, false);
    watchers.changed();
    soon(() -> assertThat(good.lists).hasSize(2));
    assertThat(stuck.error).isNull();
    nanos.addAndGet(Duration.ofSeconds(21).toNanos());
    watchers.changed();

    soon(() -> assertThat(stuck.error).hasMessageContaining("was not read for 20 s"));
    assertThat(open.get()).isEqualTo(1);
    assertThat(counters.figures().of(Count.STREAMS_DROPPED)).isEqualTo(1);
  }

  @Test
  void whoReadsAgainGetsTheNewestOnly() {
    Stream stream = new Stream(false);
    watchers.add(stream);
    node.setHealthy(0, false);
    watchers.changed();
    // Once for the first list, once for the change.
    soon(() -> assertThat(stream.asked).hasValueGreaterThanOrEqualTo(2));
    stream.ready = true;
    stream.onReady.run();

    soon(() -> assertThat(stream.lists).hasSize(1));
    assertThat(stream.lists.getFirst().getDevices(0).getHealth()).isEqualTo("Unhealthy");
  }

  @Test
  void whoCancelsIsForgotten() {
    Stream stream = new Stream(true);
    watchers.add(stream);
    soon(() -> assertThat(stream.lists).hasSize(1));
    stream.onCancel.run();
    stream.onCancel.run();
    assertThat(open.get()).isZero();
  }

  /** In each round the end comes at another moment of a change. */
  @Test
  void whatComesWhileItClosesIsPassedOver() throws Exception {
    for (int round = 0; round < 50; round++) {
      Watchers closing =
          new Watchers(new DeviceList(node), counters, nanos::get, () -> {}, () -> {});
      Stream stream = new Stream(true);
      closing.add(stream);
      CountDownLatch begun = new CountDownLatch(1);
      AtomicBoolean closed = new AtomicBoolean();
      CompletableFuture<Void> changes =
          CompletableFuture.runAsync(
              () -> {
                while (!closed.get()) {
                  closing.changed();
                  stream.onReady.run();
                  begun.countDown();
                }
                closing.changed();
              });
      begun.await();
      closing.close();
      closed.set(true);
      changes.get();
    }
  }

  /** The server's end of a call. */
  private static final class Stream extends ServerCallStreamObserver<ListAndWatchResponse> {
    final List<ListAndWatchResponse> lists = new CopyOnWriteArrayList<>();
    final AtomicInteger asked = new AtomicInteger();
    volatile boolean ready;
    volatile Throwable error;
    volatile Runnable onReady;
    volatile Runnable onCancel;

    Stream(boolean ready) {
      this.ready = ready;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
      onCancel = handler;
    }

    @Override
    public void setCompression(String compression) {}

    @Override
    public boolean isReady() {
      asked.incrementAndGet();
      return ready;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
      onReady = handler;
    }

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void onNext(ListAndWatchResponse list) {
      lists.add(list);
    }

    @Override
    public void onError(Throwable t) {
      error = t;
    }

    @Override
    public void onCompleted() {}
  }
}
