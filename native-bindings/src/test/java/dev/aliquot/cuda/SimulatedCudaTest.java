package dev.aliquot.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.linux.Descriptors;
import dev.aliquot.nvml.GpuProcess;
import dev.aliquot.nvml.Nvml;
import dev.aliquot.nvml.NvmlDevice;
import dev.aliquot.testing.Jvm;
import dev.aliquot.testing.SimulatedNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * All tests share one driver: like NVIDIA's, the simulator's libcuda is made to be in a process
 * once.
 */
@EnabledIfSystemProperty(named = SimulatedNode.PROPERTY, matches = ".+")
class SimulatedCudaTest {
  private static final long MIB = 1L << 20;

  @TempDir static Path folder;
  private static SimulatedNode node;
  private static CudaDriver driver;

  @BeforeAll
  static void open() throws IOException, InterruptedException {
    node =
        SimulatedNode.create(folder, "580", "devices=2,memory=4GiB,model=H100,driver=580.159.04");
    driver = CudaDriver.open(node.cuda());
  }

  @Test
  void theDriverSaysItsVersionAndDevices() {
    assertThat(driver.version()).isEqualTo(13000);
    assertThat(driver.missingSymbols()).isEmpty();
    assertThat(driver.devices()).hasSize(2);
    CudaDevice device = driver.device(1);
    assertThat(device.ordinal()).isEqualTo(1);
    assertThat(device.name()).contains("H100");
    assertThat(device.multiprocessorCount()).isPositive();
    assertThat(device.supportsVirtualMemory()).isTrue();
    assertThat(device.supportsFileDescriptors()).isTrue();
    assertThat(device.supportsHostChunks()).isTrue();
    assertThat(device.hostNumaNode().orElse(0)).isNotNegative();
    assertThat(driver.deviceByUuid(device.uuid()).orElseThrow().ordinal()).isEqualTo(1);
    assertThat(driver.deviceByUuid("GPU-none")).isEmpty();
  }

  @Test
  void nvmlAndCudaSpellTheSameUuid() {
    try (Nvml nvml = Nvml.open(node.nvml())) {
      assertThat(driver.device(0).uuid()).isEqualTo(nvml.device(0).uuid());
      assertThat(driver.device(1).uuid()).isEqualTo(nvml.device(1).uuid());
    }
  }

  @Test
  void hostChunksTakeNoDeviceMemory() {
    try (Nvml nvml = Nvml.open(node.nvml())) {
      long before = nvml.device(0).memory().usedBytes();
      try (CudaChunk chunk = driver.createChunk(ChunkPlace.hostNuma(0), 64 * MIB)) {
        assertThat(chunk.sizeBytes()).isEqualTo(64 * MIB);
        assertThat(nvml.device(0).memory().usedBytes()).isEqualTo(before);
      }
    }
  }

  @Test
  void anExportedChunkIsImportedByItsDescriptor() {
    long bytes = driver.granularityBytes(ChunkPlace.hostNuma(0));
    assertThat(bytes).isPositive();
    CudaChunk chunk = driver.createChunk(ChunkPlace.hostNuma(0), bytes);
    int descriptor = chunk.exportDescriptor();
    assertThat(descriptor).isNotNegative();
    try (CudaChunk imported = driver.importChunk(descriptor, bytes)) {
      chunk.close();
      chunk.close();
      assertThat(imported.sizeBytes()).isEqualTo(bytes);
    }
    Descriptors.close(descriptor);
    assertThatThrownBy(chunk::exportDescriptor).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFullDeviceRefusesWithOutOfMemory() {
    assertThatThrownBy(() -> driver.createChunk(ChunkPlace.device(0), 8192 * MIB))
        .isInstanceOfSatisfying(
            CudaException.class,
            e -> {
              assertThat(e.is(CudaStatus.OUT_OF_MEMORY)).isTrue();
              assertThat(e.codeName()).isEqualTo("CUDA_ERROR_OUT_OF_MEMORY");
              assertThat(e.call()).isEqualTo("cuMemCreate");
            });
  }

  @Test
  void aSizeThatIsNoMultipleOfTheGranularityIsRefused() {
    assertThatThrownBy(() -> driver.createChunk(ChunkPlace.device(0), 12345))
        .isInstanceOf(CudaException.class)
        .hasMessageStartingWith("cuMemCreate failed with CUDA_ERROR_INVALID_VALUE");
  }

  @Test
  void errorsHaveNamesAndSentences() {
    assertThat(driver.errorName(2)).contains("CUDA_ERROR_OUT_OF_MEMORY");
    assertThat(driver.errorString(2).orElseThrow()).isNotBlank();
    assertThat(driver.errorName(123_456)).isEmpty();
  }

  @Test
  void aProcessThatIsNoneCannotBeSuspended() {
    CudaCheckpoint checkpoint = driver.checkpoint().orElseThrow();
    assertThatThrownBy(() -> checkpoint.lock(1, Duration.ofMillis(100)))
        .isInstanceOf(CudaException.class)
        .hasMessageStartingWith("cuCheckpointProcessLock failed with ");
    assertThatThrownBy(() -> checkpoint.lock(0, Duration.ofMillis(100)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> checkpoint.lock(1, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aProcessThatHoldsMemoryIsListedOnceWithItsBytes() {
    try (Nvml nvml = Nvml.open(node.nvml())) {
      NvmlDevice device = nvml.device(0);
      long before = device.memory().usedBytes();
      try (CudaChunk chunk = driver.createChunk(ChunkPlace.device(0), 1024 * MIB)) {
        assertThat(device.memory().usedBytes()).isEqualTo(before + chunk.sizeBytes());
        List<GpuProcess> processes = device.processes();
        assertThat(processes).hasSize(1);
        assertThat(processes.getFirst().pid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(processes.getFirst().usedBytes().orElseThrow())
            .isGreaterThanOrEqualTo(chunk.sizeBytes());
        assertThat(processes.getFirst().kinds()).contains(GpuProcess.Kind.COMPUTE);
      }
      assertThat(device.memory().usedBytes()).isEqualTo(before);
      assertThat(nvml.device(1).processes()).isEmpty();
    }
  }

  @Test
  void anOldDriverHasNoCheckpoint() throws IOException, InterruptedException {
    SimulatedNode old =
        SimulatedNode.create(folder, "535", "devices=1,memory=4GiB,model=A100,driver=535.216.03");
    assertThat(Jvm.run(OldDriverMain.class, Map.of(), old.cuda().toString()))
        .isEqualTo(new Jvm.Result(0, "1 device, checkpoint false, lacks lock true\n"));
  }
}
