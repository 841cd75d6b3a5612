package dev.aliquot.cli.doctor;

import dev.aliquot.agent.device.NvmlInventory;
import dev.aliquot.agent.limits.LimitsChoice;
import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.ffm.LibraryException;
import dev.aliquot.ffm.NativeException;
import dev.aliquot.nvml.Nvml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The NVIDIA driver: libraries, what they lack, what they answer. */
final class DriverChecks {
  private static final String SIMULATED =
      "only a simulated node can be served here: aliquot agent --simulate"
          + " devices=2,memory=16GiB,model=H100";

  private final @Nullable Path nvmlLibrary;
  private final @Nullable Path cudaLibrary;

  private final Path cgroupRoot;

  DriverChecks(@Nullable Path nvmlLibrary, @Nullable Path cudaLibrary, Path cgroupRoot) {
    this.cgroupRoot = cgroupRoot;
    this.nvmlLibrary = nvmlLibrary;
    this.cudaLibrary = cudaLibrary;
  }

  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    nvml(findings);
    cuda(findings);
    deviceFiles(findings);
    return findings;
  }

  private void nvml(List<Finding> findings) {
    String name = "libnvidia-ml.so.1";
    try (Nvml nvml = Nvml.open(nvmlLibrary == null ? Path.of(name) : nvmlLibrary)) {
      findings.add(Finding.ok("NVML library", place(name, nvml.library())));
      findings.add(
          Finding.ok(
              "NVML",
              "driver "
                  + nvml.driverVersion()
                  + ", CUDA "
                  + nvml.cudaVersion()
                  + ", devices: "
                  + nvml.deviceCount()));
      findings.add(symbols("NVML symbols", nvml.missingSymbols()));
      findings.add(
          Finding.ok(
              "memory limits",
              LimitsChoice.whyNotDriver(NvmlInventory.limiters(nvml), cgroupRoot)
                  .map(why -> "interposer alone: " + why)
                  .orElse("driver and interposer")));
    } catch (LibraryException e) {
      findings.add(Finding.lack("NVML library", String.valueOf(e.getMessage()), SIMULATED));
    } catch (NativeException e) {
      findings.add(
          Finding.lack(
              "NVML",
              String.valueOf(e.getMessage()),
              "the library is there but the driver does not answer: load the nvidia kernel module"
                  + " (modprobe nvidia), or reboot after a driver update; until then "
                  + SIMULATED));
    }
  }

  private void cuda(List<Finding> findings) {
    String name = "libcuda.so.1";
    try {
      CudaDriver cuda = CudaDriver.open(cudaLibrary == null ? Path.of(name) : cudaLibrary);
      findings.add(Finding.ok("CUDA library", place(name, cuda.library())));
      findings.add(symbols("CUDA symbols", cuda.missingSymbols()));
      findings.add(PoolChecks.finding(cuda));
    } catch (NativeException e) {
      findings.add(Finding.lack("CUDA library", String.valueOf(e.getMessage()), SIMULATED));
      findings.add(PoolChecks.lack("there is no CUDA driver"));
    }
  }

  private static Finding symbols(String subject, Set<String> missing) {
    return missing.isEmpty()
        ? Finding.ok(subject, "all there")
        : Finding.lack(
            subject,
            "missing: " + String.join(", ", missing),
            "what needs them is left out; a newer driver has them (Aliquot needs 535 or newer)");
  }

  private static void deviceFiles(List<Finding> findings) {
    Path control = Path.of("/dev/nvidiactl");
    if (!Files.exists(control)) {
      findings.add(
          Finding.lack(
              "device files",
              "there is no /dev/nvidiactl",
              "where there is a GPU: load the nvidia kernel module; in a container: run it with the"
                  + " NVIDIA runtime"));
    } else if (!Files.isWritable(control) || !Files.isReadable(control)) {
      findings.add(
          Finding.broken(
              "device files",
              "this user may not open /dev/nvidiactl",
              "run as root or as a user who may use the GPU"));
    } else {
      findings.add(Finding.ok("device files", "/dev/nvidiactl can be opened"));
    }
  }

  /**
   * The file that was loaded, from this process's own map: a bare name says nothing about where.
   */
  private static String place(String name, Path asked) {
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      String stem = name.substring(0, name.indexOf(".so"));
      return maps.map(line -> line.substring(Math.max(0, line.indexOf('/'))))
          .filter(
              path ->
                  path.startsWith("/")
                      && path.substring(path.lastIndexOf('/') + 1).startsWith(stem + ".so"))
          .findFirst()
          .orElse(asked.toString());
    } catch (IOException e) {
      return asked.toString();
    }
  }
}
