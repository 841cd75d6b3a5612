package dev.aliquot.health.line;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.aliquot.nvml.PciAddress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class KernelLineReaderTest {
  private static final PciAddress FIRST = new PciAddress(0, 1, 0);

  private static Optional<KernelLine> read(String line) {
    return new KernelLineReader().read(line);
  }

  private static XidLine xid(String line) {
    return (XidLine) read(line).orElseThrow();
  }

  static Stream<String> samples() throws IOException {
    try (InputStream in = KernelLineReaderTest.class.getResourceAsStream("lines.tsv")) {
      String all = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      List<String> lines = all.lines().filter(line -> !line.startsWith("#")).toList();
      assertThat(lines).hasSizeGreaterThan(30);
      return lines.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void everyFormThatTheDriverPrintsIsRead(String sample) {
    List<String> fields = Arrays.asList(sample.split("\t", -1));
    XidLine line = xid(fields.get(5));
    assertThat(line.code()).isEqualTo(Integer.parseInt(fields.get(0)));
    assertThat(line.address()).hasToString(fields.get(1));
    assertThat(line.pid().isPresent() ? "" + line.pid().getAsInt() : "").isEqualTo(fields.get(2));
    assertThat(line.process()).isEqualTo(fields.get(3));
    assertThat(line.message()).startsWith(fields.get(4));
  }

  @Test
  void aLineOfAMigInstanceNamesIt() {
    XidLine line = xid("NVRM: Xid (PCI:0000:01:00 GPU-I:03 GPU-CI:01): 94, Contained: SM (0x1)");
    assertThat(line.gpuInstance()).isEqualTo(OptionalInt.of(3));
    assertThat(line.computeInstance()).isEqualTo(OptionalInt.of(1));
    assertThat(xid("NVRM: Xid (PCI:0000:01:00 GPU-I:03): 94").computeInstance()).isEmpty();
    assertThat(xid("NVRM: Xid (PCI:0000:01:00): 94").gpuInstance()).isEmpty();
  }

  @Test
  void theLineBeforeTheFirstXidNamesTheDevice() {
    assertThat(
            read(
                "[Wed Jul 31 23:14:18 2024] NVRM: GPU at PCI:0000:01:00:"
                    + " GPU-efbdfde9-5798-a6e7-4c46-12518fa15375"))
        .contains(new KernelLine.Named(FIRST, "GPU-efbdfde9-5798-a6e7-4c46-12518fa15375"));
    assertThat(read("NVRM: GPU at PCI:0000:01:00: GPU-efbdfde9")).isEmpty();
  }

  @Test
  void aDeviceThatFellOffTheBusIsSeenWithoutAnXid() {
    assertThat(read("NVRM: GPU 0000:01:00.0: GPU has fallen off the bus."))
        .contains(new KernelLine.FallenOff(FIRST));
    assertThat(
            read(
                "NVRM: The NVIDIA GPU 0000:01:00.0\nNVRM: (PCI ID: 10de:2330) installed in this"
                    + " system has\nNVRM: fallen off the bus and is not responding to commands."))
        .contains(new KernelLine.FallenOff(FIRST));
  }

  @Test
  void aMessageOfThreeRecordsIsPutTogether() {
    KernelLineReader reader = new KernelLineReader();
    assertThat(reader.read("NVRM: The NVIDIA GPU 0000:01:00.0")).isEmpty();
    assertThat(reader.read("NVRM: (PCI ID: 10de:2330) installed in this system has")).isEmpty();
    String last = "NVRM: fallen off the bus and is not responding to commands.";
    assertThat(reader.read(last)).contains(new KernelLine.FallenOff(FIRST));
    assertThat(reader.read(last)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "NVRM: ",
        "NVRM: Xid (",
        "NVRM: Xid (PCI:0000:01:00",
        "NVRM: Xid (PCI:0000:01:00): ",
        "NVRM: Xid (PCI:0000:01:00): x",
        "NVRM: Xid (PCI:0000:01:00): 13x",
        "NVRM: Xid (PCI:0000:01:00): 99999999999999",
        "NVRM: Xid (PCI:0000:01:00) 13",
        "NVRM: Xid (PCI:zz00:01:00): 13",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module, Xid (PCI:0000:01:00): 13",
        "nvidia-nvswitch: SXid (PCI:0000:c1:00.0): 20034, Fatal",
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034x",
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): x",
        "nvidia-nvswitch3: SXid (PCI:zz): 20034",
        "nvidia-nvswitch3: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.",
        "x nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal",
        "NVRM: SXid (PCI:0000:c1:00.0): 20034, Fatal",
        "xNVRM: Xid (PCI:0000:01:00): 13",
        "python[77]: segfault at 0 ip 0 sp 0 error 4 in Xid"
      })
  void whatIsNoXidIsNone(String line) {
    assertThat(read(line)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 28 LTSSM Fault Up",
        "[  12.5] nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 28 LTSSM Fault Up",
        "Jul 31 23:14:18 host kernel: nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link"
            + " 28 LTSSM Fault Up"
      })
  void aFaultOfASwitchIsItsOwnAndNoXid(String line) {
    assertThat(read(line))
        .contains(
            new KernelLine.SwitchXid(
                new PciAddress(0, 0xc1, 0), 20034, "Fatal, Link 28 LTSSM Fault Up"));
  }

  @Test
  void aFaultOfASwitchMayHaveNoWords() {
    assertThat(read("nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 00079"))
        .contains(new KernelLine.SwitchXid(new PciAddress(0, 0xc1, 0), 79, ""));
  }

  @Test
  void aProcessCannotForgeWhatStandsBeforeItsName() {
    XidLine line = xid("NVRM: Xid (PCI:0000:01:00): 31, pid=5, name=): 79, pid=1, n, Ch 1");
    assertThat(line.code()).isEqualTo(31);
    assertThat(line.pid()).isEqualTo(OptionalInt.of(5));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x[7]: segfault at 0 ip 0 sp 0 error 4 in %s[55d000+1000]",
        "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/user.slice/a %s,task=x",
        "Jul 31 23:14:18 host prog[7]: kernel: %s",
        "Jul 31 23:14:18 host kernel: x[7]: segfault at 0 in %s",
        "[   1.5] x[7]: segfault at 0 in %s",
        "kernel: [   1.5] usb 1-1: Product: %s",
        "a %s"
      })
  void aNameThatTheKernelPrintsIsNoFault(String line) {
    assertThat(read(line.formatted("NVRM: Xid (PCI:0000:01:00): 79, GPU has"))).isEmpty();
    assertThat(read(line.formatted("NVRM: GPU 0000:01:00.0: GPU has fallen off the bus")))
        .isEmpty();
    KernelLineReader reader = new KernelLineReader();
    reader.read("NVRM: The NVIDIA GPU 0000:01:00.0");
    assertThat(reader.read(line.formatted("fallen off the bus and is not responding"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<4>",
        "[    1.5] ",
        "[    1.5][ T1946] ",
        "Jul 31 23:14:18 host kernel: ",
        "Jul 31 23:14:18 host kernel: [    1.5] ",
        "2026-11-29T12:00:00.123456+00:00 host kernel: "
      })
  void whatALogPutsBeforeTheKernelsWordsIsPassedOver(String before) {
    assertThat(xid(before + "NVRM: Xid (PCI:0000:01:00): 79, GPU has").code()).isEqualTo(79);
  }

  @Test
  void aMebibyteOfAnythingIsReadInNoTimeToSpeakOf() {
    String begin = "NVRM: Xid (PCI:0000:01:00): 94, pid=5, name=";
    for (String part : List.of("a", " ", "(", ", ", "NVRM: ", "NVRM: Xid (", "RST: Yes, ", "\n")) {
      String line = begin + part.repeat((1 << 20) / part.length());
      long before = System.nanoTime();
      for (int i = 0; i < 10; i++) {
        XidDetail.reset(xid(line));
        assertThat(read(line.substring(begin.length()))).isEmpty();
      }
      // A thousand times what it takes: what is quadratic takes hours.
      assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(60));
    }
  }

  @FuzzTest
  void anyTextIsReadWithoutAnError(FuzzedDataProvider data) {
    KernelLineReader reader = new KernelLineReader();
    String head = data.pickValue(List.of("", "NVRM: ", "NVRM: Xid (PCI:0000:01:00): "));
    for (int i = 0; i < 3 && data.remainingBytes() > 0; i++) {
      Optional<KernelLine> line = reader.read(head + data.consumeString(400));
      if (line.orElse(null) instanceof XidLine xid) {
        assertThat(xid.code()).isNotNegative();
        XidDetail.reset(xid);
        XidDetail.recoveryAction(xid);
        XidDetail.fatalLink(xid);
        XidDetail.causedBy(xid);
        XidDetail.place(xid);
      }
    }
  }
}
