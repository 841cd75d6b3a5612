package dev.aliquot.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.device.DeviceEvent;
import dev.aliquot.agent.device.DeviceEvents;
import dev.aliquot.agent.support.Eventually;
import dev.aliquot.agent.view.FaultView;
import dev.aliquot.ffm.NativeException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventLoopTest extends DeskFixture {
  private final BlockingQueue<Supplier<DeviceEvent>> coming = new LinkedBlockingQueue<>();
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final Degradations degradations = new Degradations();
  private final EventLoop loop =
      new EventLoop(
          new DeviceEvents() {
            @Override
            public Optional<DeviceEvent> await(Duration timeout) {
              try {
                return Optional.ofNullable(coming.poll(10, TimeUnit.MILLISECONDS))
                    .map(Supplier::get);
              } catch (InterruptedException e) {
                return Optional.empty();
              }
            }

            @Override
            public void close() {
              closed.incrementAndGet();
              throw new NativeException("the device is lost") {
                private static final long serialVersionUID = 1L;
              };
            }
          },
          reports,
          desk,
          degradations,
          asked::incrementAndGet,
          this::time,
          this::nanos,
          Duration.ofMillis(50));

  @AfterEach
  void stop() {
    loop.stop();
    assertThat(loop.join(Duration.ofSeconds(30))).isTrue();
    assertThat(closed).hasValue(1);
  }

  private void xid(String device, int code) {
    coming.add(() -> new DeviceEvent(device, DeviceEvent.Kind.XID, code));
  }

  @Test
  void anXidIsAFaultAndADevicesIsAReasonToAsk() {
    xid(UUID, 31);
    Eventually.soon(() -> assertThat(history.all()).hasSize(1));
    xid(UUID, 95);
    Eventually.soon(() -> assertThat(state()).isEqualTo("needs-reset"));
    Eventually.soon(() -> assertThat(asked).hasValue(1));
    coming.add(() -> new DeviceEvent(UUID, DeviceEvent.Kind.CHANGED, 0));
    Eventually.soon(() -> assertThat(asked).hasValue(2));
    assertThat(history.all()).hasSize(2);
  }

  @Test
  void anEventOfNoKnownDeviceIsToldAndTakesNothingOut() {
    xid("", 79);
    Eventually.soon(() -> assertThat(history.all()).extracting(FaultView::code).contains("79"));
    Eventually.soon(() -> assertThat(asked).hasValue(1));
    assertThat(state()).isEqualTo("healthy");
  }

  @Test
  void aDriverThatFailsIsADegradationUntilItDeliversAgain() {
    coming.add(
        () -> {
          throw new NativeException("GPU is lost") {
            private static final long serialVersionUID = 1L;
          };
        });
    Eventually.soon(
        () -> assertThat(degradations.all()).hasSize(1).allMatch(why -> why.contains("is lost")));
    Eventually.soon(() -> assertThat(asked).hasValue(1));
    Eventually.soon(() -> assertThat(degradations.all()).isEmpty());
  }

  @Test
  void anEventThatBreaksSomethingIsNotTheLast() {
    coming.add(
        () -> {
          throw new IllegalStateException("broken");
        });
    xid(UUID, 95);
    Eventually.soon(() -> assertThat(state()).isEqualTo("needs-reset"));
  }
}
