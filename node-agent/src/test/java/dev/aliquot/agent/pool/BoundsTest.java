package dev.aliquot.agent.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the pool's bounds and places come from. */
class BoundsTest {
  private static final long GIB = 1L << 30;

  @Test
  void defaultsFollowTheMachine() {
    assertThat(PoolOptions.DEFAULTS.on(new HostMemory(400 * GIB, 200 * GIB)))
        .isEqualTo(new PoolBounds(200 * GIB / 100 * 25, 400 * GIB / 100 * 5, 256L << 20));
    assertThat(PoolOptions.DEFAULTS.on(new HostMemory(8 * GIB, 4 * GIB)).reserveBytes())
        .isEqualTo(GIB);
    assertThat(new PoolOptions(0L, 7L, 9).on(new HostMemory(8 * GIB, 4 * GIB)))
        .isEqualTo(new PoolBounds(0, 7, 9));
  }

  @Test
  void readsTheKernelsFigures() throws IOException {
    assertThat(
            HostMemory.parse(
                List.of("MemTotal:       16384000 kB", "MemFree: 1 kB", "MemAvailable:  512 kB")))
        .isEqualTo(new HostMemory(16384000L * 1024, 512 * 1024));
    assertThat(HostMemory.system().availableBytes())
        .isBetween(1L, HostMemory.system().totalBytes());
    assertThatThrownBy(() -> HostMemory.parse(List.of("MemTotal: 5 kB")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("MemAvailable");
    assertThatThrownBy(() -> HostMemory.parse(List.of("MemTotal: many kB")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("many");
  }

  @Test
  void theNearestNodeIsTheKernelsWordOrNode0(@TempDir Path folder) throws IOException {
    for (String device : List.of("0000:01:00.0 1\n", "0000:02:00.0 -1\n", "0000:03:00.0 x\n")) {
      Path directory = Files.createDirectory(folder.resolve(device.substring(0, 12)));
      Files.writeString(directory.resolve("numa_node"), device.substring(13));
    }
    NumaNodes nodes = new NumaNodes(folder);
    assertThat(nodes.nearest("0000:01:00.0")).isEqualTo(1);
    assertThat(nodes.nearest("0000:02:00.0")).isZero();
    assertThat(nodes.nearest("0000:03:00.0")).isZero();
    assertThat(nodes.nearest("0000:04:00.0")).isZero();
    assertThat(nodes.nearest("")).isZero();
    assertThat(nodes.nearest("../0000:01:00.0")).isZero();
  }

  @Test
  void anIdSaysHowLargeItsChunkIs() {
    for (long bytes : new long[] {4096, 2L << 20, 64L << 20}) {
      long id = ChunkId.of(1L << 47, bytes);
      assertThat(id).isNotZero();
      assertThat(ChunkId.bytes(id)).isEqualTo(bytes);
      assertThat(ChunkId.of((1L << 47) + 1, bytes)).isNotEqualTo(id);
    }
    assertThat(ChunkId.bytes(-1)).isNotNegative();
  }
}
