package dev.aliquot.nvml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.testing.SimulatedNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfSystemProperty(named = SimulatedNode.PROPERTY, matches = ".+")
class SimulatedNvmlTest {
  private static final long GIB = 1L << 30;

  @TempDir Path folder;
  private SimulatedNode node;
  private Nvml nvml;

  @BeforeEach
  void open() throws IOException, InterruptedException {
    node =
        SimulatedNode.create(folder, "580", "devices=2,memory=16GiB,model=H100,driver=580.159.04");
    nvml = Nvml.open(node.nvml());
  }

  @AfterEach
  void close() {
    nvml.close();
  }

  @Test
  void versionsAreThoseOfTheDriver() {
    assertThat(nvml.driverVersion()).isEqualTo("580.159.04");
    assertThat(nvml.nvmlVersion()).contains("580");
    assertThat(nvml.cudaVersion()).isEqualTo(new CudaVersion(13, 0));
    assertThat(nvml.library()).isEqualTo(node.nvml());
  }

  @Test
  void aCurrentDriverLacksNothing() {
    assertThat(nvml.missingSymbols()).isEmpty();
    assertThat(nvml.supports("nvmlInit_v2")).isTrue();
    assertThat(nvml.supportsMemoryLimits()).isFalse();
  }

  @Test
  void devicesAreFoundByIndexUuidAndBusAddress() {
    List<NvmlDevice> devices = nvml.devices();
    assertThat(devices).hasSize(2);
    Set<String> uuids = new HashSet<>();
    for (int i = 0; i < devices.size(); i++) {
      NvmlDevice device = devices.get(i);
      uuids.add(device.uuid());
      assertThat(device.index()).isEqualTo(i);
      assertThat(device.uuid()).startsWith("GPU-").hasSize(40);
      assertThat(device.name()).contains("H100");
      assertThat(device.minorNumber()).hasValue(i);
      assertThat(device.computeCapability()).hasToString("9.0");
      assertThat(device.architecture()).isEqualTo(Architecture.HOPPER);
      assertThat(nvml.deviceByUuid(device.uuid()).orElseThrow().index()).isEqualTo(i);
      assertThat(nvml.deviceByPciAddress(device.pciAddress()).orElseThrow().uuid())
          .isEqualTo(device.uuid());
    }
    assertThat(uuids).hasSize(2);
    assertThat(nvml.deviceByUuid("GPU-00000000-0000-0000-0000-000000000000")).isEmpty();
    assertThat(nvml.deviceByUuid("rubbish")).isEmpty();
    assertThat(nvml.deviceByPciAddress(new PciAddress(7, 7, 7))).isEmpty();
    assertThatThrownBy(() -> nvml.device(2))
        .isInstanceOf(NvmlException.class)
        .hasMessageStartingWith(
            "nvmlDeviceGetHandleByIndex_v2 failed with NVML_ERROR_INVALID_ARGUMENT");
  }

  @Test
  void modesAreThoseOfADeviceThatTenantsCanShare() {
    NvmlDevice device = nvml.device(0);
    assertThat(device.computeMode()).contains(ComputeMode.DEFAULT);
    assertThat(device.migMode().map(PendingMode::enabled).orElse(false)).isFalse();
    assertThat(device.isMigInstance()).isFalse();
    assertThat(device.migInstances()).isEmpty();
    assertThat(device.persistenceMode()).isPresent();
    assertThat(device.eccMode()).isPresent();
    assertThat(device.serial()).isPresent();
  }

  @Test
  void memoryAddsUp() {
    DeviceMemory memory = nvml.device(0).memory();
    assertThat(memory.totalBytes()).isEqualTo(16 * GIB);
    assertThat(memory.reservedBytes()).isPositive();
    assertThat(memory.reservedBytes() + memory.usedBytes() + memory.freeBytes())
        .isEqualTo(memory.totalBytes());
  }

  @Test
  void sensorsAnswerOrAreEmptyButNeverFail() {
    NvmlDevice device = nvml.device(1);
    assertThat(device.utilization()).contains(new Utilization(0, 0));
    assertThat(device.temperatureCelsius().orElseThrow()).isBetween(1, 120);
    assertThat(device.powerMilliwatts().orElse(1)).isPositive();
    assertThat(device.energyMillijoules().orElse(0)).isNotNegative();
    for (ClockDomain domain : ClockDomain.values()) {
      assertThat(device.clockMegahertz(domain).orElse(1)).isPositive();
    }
    Optional<PcieLink> link = device.pcieLink();
    assertThat(link.map(PcieLink::width).orElse(16)).isBetween(1, 16);
    assertThat(device.pcieSentBytesPerSecond().orElse(0)).isNotNegative();
    assertThat(device.pcieReceivedBytesPerSecond().orElse(0)).isNotNegative();
    assertThat(device.numaNode().orElse(0)).isNotNegative();
    assertThat(device.processUtilization(0)).isEmpty();
    assertThat(device.processes()).isEmpty();
  }

  @Test
  void healthIsReadFromCountersAndFields() throws IOException, InterruptedException {
    NvmlDevice device = nvml.device(0);
    assertThat(device.recoveryAction()).contains(RecoveryAction.NONE);
    assertThat(device.remappedRows()).contains(new RemappedRows(0, 0, false, false));
    assertThat(device.eccErrors(true, EccPeriod.VOLATILE)).hasValue(0);
    node.tool("recovery", "--device", "0", "--action", "4");
    node.tool("remap", "--device", "0", "--corrected", "2", "--uncorrected", "1", "--pending", "1");
    node.tool("ecc", "--device", "0", "--corrected", "5", "--uncorrected", "3");
    assertThat(device.recoveryAction()).contains(RecoveryAction.DRAIN_AND_RESET);
    assertThat(device.remappedRows()).contains(new RemappedRows(2, 1, true, false));
    assertThat(device.eccErrors(false, EccPeriod.VOLATILE)).hasValue(5);
    assertThat(device.eccErrors(true, EccPeriod.AGGREGATE)).hasValue(3);
    assertThat(nvml.device(1).recoveryAction()).contains(RecoveryAction.NONE);
  }

  @Test
  void fieldsComeInTheOrderAskedEachWithItsOwnStatus() {
    List<FieldValue> values = nvml.device(0).fieldValues(999_999, 230);
    assertThat(values).hasSize(2);
    assertThat(values.get(0).fieldId()).isEqualTo(999_999);
    assertThat(values.get(0).isPresent()).isFalse();
    assertThat(values.get(0).asLong()).isEmpty();
    assertThat(values.get(1).asLong()).hasValue(0);
    assertThat(values.get(1).asDouble()).hasValue(0);
  }

  @Test
  void anInjectedXidArrivesAsAnEventOfItsDevice() throws IOException, InterruptedException {
    NvmlDevice device = nvml.device(1);
    try (NvmlEventSet events = nvml.openEventSet()) {
      long registered = events.register(device, NvmlEvent.HEALTH_TYPES);
      assertThat(registered & NvmlEvent.XID).isEqualTo(NvmlEvent.XID);
      assertThat(events.await(Duration.ofMillis(50))).isEmpty();
      node.tool("xid", "--device", "1", "--code", "79");
      NvmlEvent event = events.await(Duration.ofSeconds(10)).orElseThrow();
      assertThat(event.deviceUuid()).contains(device.uuid());
      assertThat(event.xid()).hasValue(79);
    }
  }

  @Test
  void aClosedSetOrLibrarySaysSo() {
    NvmlEventSet events = nvml.openEventSet();
    events.close();
    events.close();
    assertThatThrownBy(() -> events.await(Duration.ZERO))
        .isInstanceOf(NvmlException.class)
        .hasMessageContaining("NVML_ERROR_UNINITIALIZED");
    NvmlDevice device = nvml.device(0);
    NvmlEventSet left = nvml.openEventSet();
    nvml.close();
    nvml.close();
    left.close();
    assertThatThrownBy(device::memory)
        .isInstanceOf(NvmlException.class)
        .hasMessageContaining("shut down");
  }

  @Test
  void severalNodesAreOpenInOneProcess() throws IOException, InterruptedException {
    SimulatedNode old =
        SimulatedNode.create(folder, "535", "devices=1,memory=8GiB,model=L4,driver=535.216.03");
    try (Nvml other = Nvml.open(old.nvml())) {
      assertThat(other.driverVersion()).isEqualTo("535.216.03");
      assertThat(other.missingSymbols()).contains("nvmlDeviceGetNumaNodeId");
      assertThat(other.deviceCount()).isEqualTo(1);
      assertThat(other.device(0).numaNode()).isEmpty();
      assertThat(other.device(0).memory().totalBytes()).isEqualTo(8 * GIB);
      assertThat(nvml.deviceCount()).isEqualTo(2);
    }
    assertThat(nvml.deviceCount()).isEqualTo(2);
  }

  @Test
  void memoryLimitsAreProbedOnANewDriver() throws IOException, InterruptedException {
    SimulatedNode next =
        SimulatedNode.create(folder, "615", "devices=1,memory=8GiB,model=H200,driver=615.10.01");
    try (Nvml other = Nvml.open(next.nvml())) {
      assertThat(other.supportsMemoryLimits()).isTrue();
      assertThat(other.missingSymbols()).isEmpty();
    }
  }

  @Test
  void aLostDeviceFailsAloneAndByName() throws IOException, InterruptedException {
    NvmlDevice lost = nvml.device(0);
    NvmlDevice fine = nvml.device(1);
    node.tool("lost", "--device", "0");
    assertThatThrownBy(lost::memory)
        .isInstanceOfSatisfying(
            NvmlException.class, e -> assertThat(e.is(NvmlStatus.GPU_IS_LOST)).isTrue())
        .hasMessageContaining("fallen off the bus");
    assertThat(fine.memory().totalBytes()).isEqualTo(16 * GIB);
  }

  @Test
  void theOthersAreListedBesideALostDevice() throws IOException, InterruptedException {
    String fine = nvml.device(1).uuid();
    node.tool("lost", "--device", "0");
    assertThat(nvml.devices()).extracting(NvmlDevice::uuid).containsExactly(fine);
    assertThat(nvml.deviceCount()).as("the indices stay").isEqualTo(2);
    assertThatThrownBy(() -> nvml.device(0))
        .isInstanceOfSatisfying(
            NvmlException.class, e -> assertThat(e.is(NvmlStatus.GPU_IS_LOST)).isTrue());
    node.tool("lost", "--device", "0", "--lost", "0");
    assertThat(nvml.devices()).hasSize(2);
  }
}
