package dev.aliquot.nvml;

import java.util.Collections;
import java.util.EnumSet;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A process with a context on a device.
 *
 * @param pid as the caller's pid namespace sees it
 * @param usedBytes device memory it holds, context included; empty where the driver does not say
 *     (another user's process seen without permission, a pid namespace it is not in)
 * @param kinds the lists it is in
 */
public record GpuProcess(int pid, OptionalLong usedBytes, Set<Kind> kinds) {

  /** NVML's process lists. */
  public enum Kind {
    COMPUTE("nvmlDeviceGetComputeRunningProcesses"),
    GRAPHICS("nvmlDeviceGetGraphicsRunningProcesses"),
    MPS("nvmlDeviceGetMPSComputeRunningProcesses");

    private final String function;

    Kind(String function) {
      this.function = function;
    }

    String function() {
      return function;
    }
  }

  public GpuProcess {
    kinds = kinds.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(kinds));
  }
}
