package dev.aliquot.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.bindings.nvml.NvmlBindings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NvmlStatusTest {
  @ParameterizedTest
  @EnumSource
  void numbersAreThoseOfTheHeader(NvmlStatus status) throws ReflectiveOperationException {
    String constant = status == NvmlStatus.SUCCESS ? "NVML_SUCCESS" : "NVML_ERROR_" + status.name();
    assertThat(NvmlBindings.class.getMethod(constant).invoke(null)).isEqualTo(status.code());
    assertThat(NvmlStatus.of(status.code())).contains(status);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"UNKNOWN", "BUS_RESET", "SYSTEM_REBOOT"},
      mode = EnumSource.Mode.EXCLUDE)
  void recoveryActionsAreThoseOfTheHeader(RecoveryAction action)
      throws ReflectiveOperationException {
    assertThat(
            NvmlBindings.class.getMethod("NVML_GPU_RECOVERY_ACTION_" + action.name()).invoke(null))
        .isEqualTo(action.code());
  }

  /** Newer than the header that the bindings are made from. */
  @Test
  void recoveryActionsThatNewerDriversAddAreKnownByNumber() {
    assertThat(RecoveryAction.of(6)).isEqualTo(RecoveryAction.BUS_RESET);
    assertThat(RecoveryAction.of(7)).isEqualTo(RecoveryAction.SYSTEM_REBOOT);
    assertThat(RecoveryAction.of(8)).isEqualTo(RecoveryAction.UNKNOWN);
  }

  @ParameterizedTest
  @EnumSource(names = "UNKNOWN", mode = EnumSource.Mode.EXCLUDE)
  void computeModesAreThoseOfTheHeader(ComputeMode mode) throws ReflectiveOperationException {
    assertThat(NvmlBindings.class.getMethod("NVML_COMPUTEMODE_" + mode.name()).invoke(null))
        .isEqualTo(mode.code());
  }
}
