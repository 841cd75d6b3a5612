package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class EventFdTest {
  @Test
  void signalsAddUpUntilDrained() {
    try (EventFd event = EventFd.open()) {
      assertThat(event.drain()).isZero();
      event.signal();
      event.signal();
      assertThat(Descriptors.awaitReadable(Duration.ZERO, event.descriptor()).get(0)).isTrue();
      assertThat(event.drain()).isEqualTo(2);
      assertThat(Descriptors.awaitReadable(Duration.ZERO, event.descriptor()).isEmpty()).isTrue();
    }
  }

  @Test
  void aSignalWakesAThreadThatWaitsForEver() throws InterruptedException {
    try (EventFd event = EventFd.open()) {
      Thread waiter =
          Thread.ofPlatform()
              .start(() -> Descriptors.awaitReadable(Duration.ofSeconds(-1), event.descriptor()));
      assertThat(waiter.join(Duration.ofMillis(50))).isFalse();
      event.signal();
      assertThat(waiter.join(Duration.ofSeconds(10))).isTrue();
    }
  }

  @Test
  void closingTwiceClosesOnce() {
    EventFd event = EventFd.open();
    event.close();
    event.close();
    assertThatThrownBy(() -> Descriptors.close(event.descriptor()))
        .isInstanceOfSatisfying(LinuxException.class, e -> assertThat(e.is(Errno.EBADF)).isTrue());
  }
}
