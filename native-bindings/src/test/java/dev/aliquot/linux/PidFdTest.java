package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class PidFdTest {
  @Test
  void pollWakesWhenTheProcessExits() throws IOException, InterruptedException {
    Process child = new ProcessBuilder("sleep", "60").start();
    try (PidFd pidFd = PidFd.open(child.pid());
        EventFd other = EventFd.open()) {
      assertThat(pidFd.isAlive()).isTrue();
      assertThat(
              Descriptors.awaitReadable(
                  Duration.ofMillis(20), other.descriptor(), pidFd.descriptor()))
          .isEqualTo(new BitSet());
      assertThat(pidFd.signal(Signal.KILL)).isTrue();
      BitSet second = new BitSet();
      second.set(1);
      assertThat(
              Descriptors.awaitReadable(
                  Duration.ofSeconds(10), other.descriptor(), pidFd.descriptor()))
          .isEqualTo(second);
      assertThat(child.waitFor()).isEqualTo(128 + Signal.KILL.number());
      assertThat(pidFd.isAlive()).isFalse();
      assertThat(pidFd.signal(Signal.TERM)).isFalse();
    }
  }

  @Test
  void aProcessThatIsGoneIsSaidToBeSo() throws IOException, InterruptedException {
    Process child = new ProcessBuilder("true").start();
    child.waitFor();
    assertThatThrownBy(() -> PidFd.open(child.pid()))
        .isInstanceOfSatisfying(
            LinuxException.class,
            e -> {
              assertThat(e.is(Errno.ESRCH)).isTrue();
              assertThat(e.errnoName()).isEqualTo("ESRCH");
              assertThat(e.call()).isEqualTo("pidfd_open");
            })
        .hasMessage(
            "pidfd_open(pid %d) failed with ESRCH: there is no such process"
                .formatted(child.pid()));
    assertThat(Signal.TERM.send(child.pid())).isFalse();
  }

  @Test
  void killReachesAProcess() throws IOException, InterruptedException {
    Process child = new ProcessBuilder("sleep", "60").start();
    assertThat(Signal.TERM.send(child.pid())).isTrue();
    assertThat(child.waitFor()).isEqualTo(128 + Signal.TERM.number());
  }

  @Test
  void killNeverTakesAGroup() {
    assertThatThrownBy(() -> Signal.KILL.send(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Signal.KILL.send(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aDescriptorThatTheProcessNamesIsTaken() {
    try (PidFd self = PidFd.open(ProcessHandle.current().pid())) {
      int taken = self.takeDescriptor(self.descriptor());
      assertThat(taken).isNotEqualTo(self.descriptor());
      assertThat(Descriptors.isMemoryOrDevice(taken)).as("a process is no memory").isFalse();
      Descriptors.close(taken);
      for (int none : new int[] {1 << 20, -1, Integer.MIN_VALUE}) {
        assertThatThrownBy(() -> self.takeDescriptor(none))
            .isInstanceOfSatisfying(
                LinuxException.class, e -> assertThat(e.is(Errno.EBADF)).isTrue());
      }
    }
  }
}
