package dev.aliquot.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.bindings.cuda.CudaBindings;
import dev.aliquot.bindings.nvml.NvmlBindings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The generated bindings against the exported names of NVIDIA's own libraries. */
class GeneratedSymbolsTest {
  private static final Set<String> CHECKPOINT =
      Set.of(
          "cuCheckpointProcessCheckpoint",
          "cuCheckpointProcessGetRestoreThreadId",
          "cuCheckpointProcessGetState",
          "cuCheckpointProcessLock",
          "cuCheckpointProcessRestore",
          "cuCheckpointProcessUnlock");

  @ParameterizedTest
  @ValueSource(strings = {"580-libnvidia-ml", "550-libnvidia-ml"})
  void everyBoundNvmlFunctionIsInTheDriver(String list) throws IOException {
    assertThat(missing(NvmlBindings.class, list)).isEmpty();
  }

  @Test
  void nvmlOf535LacksOnlyWhatTheFacadeTreatsAsOptional() throws IOException {
    assertThat(missing(NvmlBindings.class, "535-libnvidia-ml"))
        .containsExactlyInAnyOrder("nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetNumaNodeId");
  }

  @Test
  void everyBoundDriverFunctionIsIn580() throws IOException {
    assertThat(missing(CudaBindings.class, "580-libcuda")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"550-libcuda", "535-libcuda"})
  void olderDriversLackOnlyTheCheckpointCalls(String list) throws IOException {
    assertThat(missing(CudaBindings.class, list)).isEqualTo(new TreeSet<>(CHECKPOINT));
  }

  @Test
  void everyFunctionAskedOfJextractIsInItsOutput() throws IOException {
    assertThat(functions(NvmlBindings.class)).isEqualTo(asked("nvml.args"));
    assertThat(functions(CudaBindings.class)).isEqualTo(asked("cuda.args"));
  }

  private static Set<String> missing(Class<?> header, String list) throws IOException {
    Set<String> missing = functions(header);
    missing.removeAll(Files.readAllLines(Path.of("src/test/resources/symbols", list + ".txt")));
    return missing;
  }

  private static Set<String> functions(Class<?> header) {
    return Arrays.stream(header.getDeclaredMethods())
        .map(method -> method.getName())
        .filter(name -> name.endsWith("$handle"))
        .map(name -> name.substring(0, name.indexOf('$')))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> asked(String arguments) throws IOException {
    try (var lines = Files.lines(Path.of("jextract", arguments))) {
      return lines
          .filter(line -> line.startsWith("--include-function "))
          .map(line -> line.substring(line.indexOf(' ') + 1).strip())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
