package dev.aliquot.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ValuesTest {
  @Test
  void busAddressesAreReadInEverySpellingAndWrittenAsLinuxDoes() {
    assertThat(PciAddress.parse("00000000:0A:00.0")).contains(new PciAddress(0, 10, 0));
    assertThat(PciAddress.parse("0001:c1:1f")).contains(new PciAddress(1, 0xc1, 31));
    assertThat(PciAddress.parse("0a:00.0")).isEmpty();
    assertThat(PciAddress.parse("rubbish")).isEmpty();
    assertThat(new PciAddress(0, 10, 0)).hasToString("0000:0a:00.0");
    assertThat(new PciAddress(0x10000, 0xff, 1)).hasToString("10000:ff:01.0");
  }

  @Test
  void cudaVersionsCompareByNumber() {
    assertThat(CudaVersion.ofDriverNumber(13000)).hasToString("13.0");
    assertThat(CudaVersion.ofDriverNumber(12020)).hasToString("12.2");
    assertThat(CudaVersion.ofDriverNumber(12100)).isGreaterThan(CudaVersion.ofDriverNumber(12090));
  }

  @Test
  void aFailureNamesTheCallTheCodeAndWhatToDo() {
    NvmlException failure = new NvmlException("nvmlInit_v2", 18);
    assertThat(failure)
        .hasMessage(
            "nvmlInit_v2 failed with NVML_ERROR_LIB_RM_VERSION_MISMATCH: the library and the loaded"
                + " NVIDIA kernel driver are of different versions; restart the machine or reload the"
                + " driver");
    assertThat(failure.is(NvmlStatus.LIB_RM_VERSION_MISMATCH)).isTrue();
    assertThat(failure.call()).isEqualTo("nvmlInit_v2");
  }

  @Test
  void aCodeOfANewerDriverKeepsItsNumber() {
    NvmlException failure = new NvmlException("nvmlDeviceGetName", 4711);
    assertThat(failure.status()).isEmpty();
    assertThat(failure.code()).isEqualTo(4711);
    assertThat(failure)
        .hasMessage(
            "nvmlDeviceGetName failed with NVML error 4711: an error this version of Aliquot does not"
                + " know");
  }

  @Test
  void numbersThatANewerDriverAddedAreUnknown() {
    assertThat(RecoveryAction.of(4)).isEqualTo(RecoveryAction.DRAIN_AND_RESET);
    assertThat(RecoveryAction.of(77)).isEqualTo(RecoveryAction.UNKNOWN);
    assertThat(ComputeMode.of(3)).isEqualTo(ComputeMode.EXCLUSIVE_PROCESS);
    assertThat(ComputeMode.of(9)).isEqualTo(ComputeMode.UNKNOWN);
    assertThat(Architecture.of(9)).isEqualTo(Architecture.HOPPER);
    assertThat(Architecture.of(99)).isEqualTo(Architecture.UNKNOWN);
  }

  @Test
  void aProcessKeepsItsOwnCopyOfItsKinds() {
    EnumSet<GpuProcess.Kind> kinds = EnumSet.of(GpuProcess.Kind.MPS);
    GpuProcess process = new GpuProcess(1, OptionalLong.empty(), kinds);
    kinds.add(GpuProcess.Kind.COMPUTE);
    assertThat(process.kinds()).containsExactly(GpuProcess.Kind.MPS);
  }
}
