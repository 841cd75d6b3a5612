package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.bindings.nvml.nvmlMemory_st;
import dev.aliquot.bindings.nvml.nvmlMemory_v2_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Reads a device's memory: version 2, else version 1. */
final class MemoryInfo {
  private MemoryInfo() {}

  static DeviceMemory read(NvmlCalls calls, MemorySegment device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment v2 = nvmlMemory_v2_st.allocate(arena);
      nvmlMemory_v2_st.version(v2, NvmlBindings.nvmlMemory_v2());
      int status = calls.status("nvmlDeviceGetMemoryInfo_v2", f -> f.call(device, v2));
      if (NvmlCalls.isAbsent(status) || status == NvmlStatus.ARGUMENT_VERSION_MISMATCH.code()) {
        return readFirstVersion(calls, device, arena);
      }
      NvmlCalls.check("nvmlDeviceGetMemoryInfo_v2", status);
      return new DeviceMemory(
          nvmlMemory_v2_st.total(v2),
          nvmlMemory_v2_st.reserved(v2),
          nvmlMemory_v2_st.used(v2),
          nvmlMemory_v2_st.free(v2));
    }
  }

  private static DeviceMemory readFirstVersion(NvmlCalls calls, MemorySegment device, Arena arena) {
    MemorySegment v1 = nvmlMemory_st.allocate(arena);
    calls.check("nvmlDeviceGetMemoryInfo", f -> f.call(device, v1));
    return new DeviceMemory(
        nvmlMemory_st.total(v1), 0, nvmlMemory_st.used(v1), nvmlMemory_st.free(v1));
  }
}
