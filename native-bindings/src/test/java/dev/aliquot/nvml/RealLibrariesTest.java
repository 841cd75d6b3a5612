package dev.aliquot.nvml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.aliquot.linux.Exec;
import dev.aliquot.linux.Identity;
import dev.aliquot.testing.Jvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * NVIDIA's own libraries on a machine without a device. They are what {@code scripts/real-parts}
 * has fetched; its folder is {@code -Daliquot.realparts.dir}, else where the script puts it.
 */
class RealLibrariesTest {

  @ParameterizedTest
  @ValueSource(strings = {"535", "550"})
  void nvmlWithoutADriverSaysThatTheDriverIsNotLoaded(String version)
      throws IOException, InterruptedException {
    assertThat(open("nvml", "libnvidia-ml-" + version))
        .isEqualTo(
            "nvmlInit_v2 failed with NVML_ERROR_DRIVER_NOT_LOADED: the NVIDIA driver is not loaded on"
                + " this machine; load it (modprobe nvidia) or use a simulated node\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"535", "550"})
  void theCudaDriverWithoutADeviceSaysSo(String version) throws IOException, InterruptedException {
    assertThat(open("cuda", "libcuda-" + version))
        .isEqualTo(
            "cuInit failed with CUDA_ERROR_NO_DEVICE: no CUDA device is to be seen; check that the"
                + " NVIDIA driver is loaded, a device is passed through and CUDA_VISIBLE_DEVICES"
                + " allows it, or use a simulated node\n");
  }

  @Test
  void aLibraryOfTheOtherKindIsRefusedByName() throws IOException, InterruptedException {
    Path cuda = part("libcuda-550");
    assertThat(Jvm.run(OpenMain.class, Map.of(), "nvml", cuda.toString()).output())
        .isEqualTo(
            cuda
                + " is not the NVML library: it has no function nvmlInit_v2; give the path of"
                + " the NVML library\n");
  }

  private static String open(String kind, String part) throws IOException, InterruptedException {
    assumeFalse(Files.exists(Path.of("/proc/driver/nvidia")), "this machine has the driver");
    Path library = part(part);
    ProcessBuilder builder = Jvm.command(OpenMain.class, kind, library.toString());
    if (Identity.effectiveUserId() == 0) {
      // As root the driver library would leave device nodes behind under /dev.
      assumeTrue(Exec.find("setpriv", null).isPresent(), "setpriv (util-linux) is not there");
      builder.command().addAll(0, List.of("setpriv", "--bounding-set", "-mknod"));
    }
    return Jvm.run(builder).output();
  }

  private static Path part(String name) {
    Path file = folder().resolve(name).resolve("part");
    assumeTrue(Files.exists(file), () -> file + " is not there: run scripts/real-parts");
    return file;
  }

  private static Path folder() {
    return given(System.getProperty("aliquot.realparts.dir"))
        .or(() -> given(System.getenv("ALIQUOT_REAL_PARTS")))
        .or(
            () ->
                given(System.getenv("XDG_CACHE_HOME"))
                    .map(cache -> cache.resolve("aliquot/real-parts")))
        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache/aliquot/real-parts"));
  }

  private static Optional<Path> given(String value) {
    return value == null || value.isEmpty() ? Optional.empty() : Optional.of(Path.of(value));
  }
}
