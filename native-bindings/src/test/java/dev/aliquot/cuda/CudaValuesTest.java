package dev.aliquot.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.aliquot.bindings.cuda.CudaBindings;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaValuesTest {
  private static final String UUID = "GPU-89390d28-ed67-0d1a-c88c-b595c1247bd2";

  @Test
  void uuidsGoFromTextToBytesAndBack() {
    byte[] bytes = DeviceUuid.bytes(UUID);
    assertThat(bytes).hasSize(16).startsWith(0x89, 0x39, 0x0d, 0x28);
    assertThat(DeviceUuid.text(MemorySegment.ofArray(bytes))).isEqualTo(UUID);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GPU-",
        "GPU-89390d28",
        "MIG-89390d28-ed67-0d1a-c88c-b595c1247bd2",
        "GPU-zz390d28-ed67-0d1a-c88c-b595c1247bd2"
      })
  void whatIsNoUuidIsSaidToBeNone(String text) {
    assertThatThrownBy(() -> DeviceUuid.bytes(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is not a device's UUID");
  }

  @Test
  void processStatesBetweenTheKnownOnesAreBusy() {
    assertThat(CudaCheckpoint.State.of(0)).isEqualTo(CudaCheckpoint.State.RUNNING);
    assertThat(CudaCheckpoint.State.of(3)).isEqualTo(CudaCheckpoint.State.FAILED);
    assertThat(CudaCheckpoint.State.of(4)).isEqualTo(CudaCheckpoint.State.BUSY);
    assertThat(CudaCheckpoint.State.of(-1)).isEqualTo(CudaCheckpoint.State.BUSY);
  }

  @Test
  void statusNumbersAreThoseOfTheHeader() throws ReflectiveOperationException {
    for (CudaStatus status : CudaStatus.values()) {
      String constant =
          status == CudaStatus.SUCCESS ? "CUDA_SUCCESS" : "CUDA_ERROR_" + status.name();
      assertThat(
              Arrays.stream(CudaBindings.class.getMethods())
                  .filter(method -> method.getName().equals(constant)))
          .as(constant)
          .hasSize(1);
      assertThat(CudaBindings.class.getMethod(constant).invoke(null))
          .as(constant)
          .isEqualTo(status.code());
    }
  }

  @Test
  void aPlaceNeedsANumber() {
    assertThatThrownBy(() -> ChunkPlace.hostNuma(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("-1 is no NUMA node; give one from 0 up");
  }
}
