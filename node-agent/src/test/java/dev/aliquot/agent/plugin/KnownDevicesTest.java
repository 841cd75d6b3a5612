package dev.aliquot.agent.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.aliquot.agent.device.Device;
import dev.aliquot.agent.device.DeviceFacts;
import dev.aliquot.agent.device.DeviceReading;
import dev.aliquot.agent.device.Inventory;
import dev.aliquot.health.device.DeviceState;
import dev.aliquot.health.device.Verdict;
import dev.aliquot.ledger.Headroom;
import dev.aliquot.plugin.node.NodeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KnownDevicesTest {
  private static final long GIB = 1L << 30;
  @TempDir private Path folder;

  private static Device device(int index, String uuid, long totalBytes) {
    return new Device(
        new DeviceFacts(index, uuid, "x", "0000:0" + index + ":00.0", totalBytes, 0),
        new Headroom(0, 0),
        () -> DeviceReading.NONE);
  }

  private KnownDevices open(String boot, Device... devices) throws IOException {
    Path pci = Files.createDirectories(folder.resolve("pci/0000:01:00.0"));
    Files.writeString(pci.resolve("numa_node"), "1\n");
    Files.createDirectories(folder.resolve("node/node1"));
    return KnownDevices.open(
        new Inventory("580", "13.0", Arrays.asList(devices)),
        new NumaTopology(folder.resolve("pci"), folder.resolve("node")),
        folder.resolve("devices.json"),
        boot);
  }

  @Test
  void devicesAreToldWithTheirHealthAndTheirPlace() throws Exception {
    Device second = device(1, "GPU-1", GIB);
    KnownDevices known = open("boot", device(0, "GPU-0", GIB), second, device(2, "GPU-2", 0));
    assertThat(known.all())
        .extracting(NodeDevice::uuid, NodeDevice::healthy, NodeDevice::numaNode)
        .containsExactly(
            tuple("GPU-0", true, OptionalInt.empty()),
            tuple("GPU-1", true, OptionalInt.of(1)),
            tuple("GPU-2", false, OptionalInt.empty()));
    boolean[] called = new boolean[1];
    second.whenVerdictChanges(() -> called[0] = true);
    second.verdict(new Verdict(DeviceState.LOST, "it is gone", 1, false, false));
    assertThat(called[0]).isTrue();
    assertThat(known.all().get(1).healthy()).isFalse();
    assertThat(known.all().get(1).reason()).isEqualTo("it is gone");
  }

  @Test
  void oneThatHasGoneStaysAsBrokenUntilTheMachineIsStartedAgain() throws Exception {
    open("boot", device(0, "GPU-0", GIB), device(1, "GPU-1", GIB));
    open("boot", device(0, "GPU-0", GIB), device(1, "unknown-1", 0));
    KnownDevices third = open("boot", device(0, "GPU-0", GIB));
    assertThat(third.all())
        .extracting(NodeDevice::uuid, NodeDevice::healthy)
        .containsExactly(tuple("GPU-0", true), tuple("GPU-1", false));
    assertThat(third.all().get(1).numaNode()).hasValue(1);
    assertThat(open("next", device(0, "GPU-0", GIB)).all()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{", "[]", "{\"boot\":\"boot\"}", "{\"boot\":\"boot\",\"devices\":[null]}"})
  void aSpoiltFileIsNotUsed(String content) throws Exception {
    Files.writeString(folder.resolve("devices.json"), content);
    assertThat(open("boot", device(0, "GPU-0", GIB)).all()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "7", "", "x", "99999999999"})
  void aNodeThatTheMachineDoesNotHaveIsNotTold(String content) throws Exception {
    Path device = Files.createDirectories(folder.resolve("p/0000:03:00.0"));
    Files.writeString(device.resolve("numa_node"), content + "\n");
    Files.createDirectories(folder.resolve("n/node0"));
    NumaTopology numa = new NumaTopology(folder.resolve("p"), folder.resolve("n"));
    assertThat(numa.nodeOf("0000:03:00.0")).isEmpty();
    for (String address : List.of("", "../../etc", "0000:04:00.0", "x")) {
      assertThat(numa.nodeOf(address)).as(address).isEmpty();
    }
  }
}
