package dev.aliquot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FutexTest {
  private static final String WAITER =
      """
      #include <fcntl.h>
      #include <linux/futex.h>
      #include <stdio.h>
      #include <sys/mman.h>
      #include <sys/syscall.h>
      #include <unistd.h>
      int main(int argc, char **argv) {
        (void)argc;
        int fd = open(argv[1], O_RDWR);
        int *word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        struct { long seconds, nanoseconds; } limit = {20, 0};
        long result = syscall(SYS_futex, word + 16, FUTEX_WAIT, 0, &limit, 0, 0);
        puts(result == 0 ? "woken" : "not woken");
        return 0;
      }
      """;

  @Test
  void aWaiterInAnotherProcessIsWoken(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path page = Files.write(folder.resolve("page"), new byte[4096]);
    Path source = Files.writeString(folder.resolve("waiter.c"), WAITER);
    Path program = folder.resolve("waiter");
    assertThat(
            new ProcessBuilder("gcc", "-o", program.toString(), source.toString())
                .inheritIO()
                .start()
                .waitFor())
        .isZero();
    try (FileChannel channel =
            FileChannel.open(page, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096, arena);
      Process waiter = new ProcessBuilder(program.toString(), page.toString()).start();
      int woken = 0;
      for (int i = 0; i < 1000 && woken == 0; i++) {
        Thread.sleep(10);
        woken = Futex.wakeAll(mapped.asSlice(64, 4));
      }
      assertThat(woken).isEqualTo(1);
      assertThat(new String(waiter.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo("woken\n");
    }
  }

  @Test
  void onlyAnAlignedNativeWordWillDo() {
    assertThatThrownBy(() -> Futex.wakeAll(MemorySegment.ofArray(new int[1])))
        .isInstanceOf(IllegalArgumentException.class);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(16, 8);
      assertThatThrownBy(() -> Futex.wakeAll(memory.asSlice(1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(Futex.wakeAll(memory)).isZero();
    }
  }
}
