package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceFileTest {
  @TempDir Path folder;

  @Test
  void oneCallIsOneReadAndNoneWaits() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    try (Arena arena = Arena.ofConfined();
        DeviceFile file = DeviceFile.open(pipe);
        RandomAccessFile writer = new RandomAccessFile(pipe.toFile(), "rw")) {
      MemorySegment buffer = arena.allocate(4);
      assertThat(file.read(buffer)).isEmpty();
      writer.write("abcdef".getBytes(StandardCharsets.UTF_8));
      assertThat(Descriptors.awaitReadable(Duration.ofSeconds(-1), file.descriptor()).get(0))
          .isTrue();
      assertThat(file.read(buffer)).hasValue(4);
      assertThat(buffer.toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo("abcd".getBytes(StandardCharsets.UTF_8));
      assertThat(file.read(buffer)).hasValue(2);
      assertThat(file.read(buffer)).isEmpty();
    }
  }

  @Test
  void aRewoundFileIsReadAgainToItsEnd() throws Exception {
    Path path = Files.writeString(folder.resolve("file"), "abc");
    try (Arena arena = Arena.ofConfined();
        DeviceFile file = DeviceFile.open(path)) {
      MemorySegment buffer = arena.allocate(4);
      assertThat(file.read(buffer)).hasValue(3);
      assertThat(file.read(buffer)).hasValue(0);
      file.rewind();
      assertThat(file.read(buffer)).hasValue(3);
    }
  }

  @Test
  void whatCannotBeOpenedOrReadIsToldByItsError() {
    assertThatThrownBy(() -> DeviceFile.open(folder.resolve("none")))
        .isInstanceOfSatisfying(LinuxException.class, e -> assertThat(e.is(Errno.ENOENT)).isTrue())
        .hasMessageContaining("none");
    try (Arena arena = Arena.ofConfined();
        DeviceFile file = DeviceFile.open(folder)) {
      assertThatThrownBy(() -> file.read(arena.allocate(4)))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.is(Errno.EISDIR)).isTrue());
    }
  }

  @Test
  void closingTwiceClosesOnce() {
    DeviceFile file = DeviceFile.open(Path.of("/dev/null"));
    file.close();
    file.close();
    assertThatThrownBy(() -> Descriptors.close(file.descriptor()))
        .isInstanceOfSatisfying(LinuxException.class, e -> assertThat(e.is(Errno.EBADF)).isTrue());
  }
}
