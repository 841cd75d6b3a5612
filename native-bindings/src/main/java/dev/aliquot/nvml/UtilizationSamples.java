package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.aliquot.bindings.nvml.nvmlProcessUtilizationSample_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Reads a device's per-process utilisation samples. */
final class UtilizationSamples {
  private static final String FUNCTION = "nvmlDeviceGetProcessUtilization";
  private static final int FIRST_CAPACITY = 128;
  private static final int ATTEMPTS = 6;

  private UtilizationSamples() {}

  /** Empty also where the driver has nothing to say (NOT_FOUND) or cannot (NOT_SUPPORTED). */
  static List<ProcessUtilization> read(NvmlCalls calls, MemorySegment device, long sinceMicros) {
    int capacity = FIRST_CAPACITY;
    int status = NvmlStatus.INSUFFICIENT_SIZE.code();
    for (int attempt = 0;
        attempt < ATTEMPTS && status == NvmlStatus.INSUFFICIENT_SIZE.code();
        attempt++) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment count = arena.allocate(JAVA_INT);
        count.set(JAVA_INT, 0, capacity);
        MemorySegment samples = nvmlProcessUtilizationSample_st.allocateArray(capacity, arena);
        status = calls.status(FUNCTION, f -> f.call(device, samples, count, sinceMicros));
        int listed = Math.max(count.get(JAVA_INT, 0), 0);
        if (status == NvmlStatus.SUCCESS.code()) {
          return convert(samples, Math.min(listed, capacity));
        }
        capacity = Math.max(2 * capacity, Math.min(listed, 1 << 20));
      }
    }
    if (!NvmlCalls.isAbsent(status)
        && status != NvmlStatus.NOT_FOUND.code()
        && status != NvmlStatus.NO_DATA.code()) {
      NvmlCalls.check(FUNCTION, status);
    }
    return List.of();
  }

  private static List<ProcessUtilization> convert(MemorySegment samples, int listed) {
    List<ProcessUtilization> converted = new ArrayList<>(listed);
    for (int i = 0; i < listed; i++) {
      MemorySegment sample = nvmlProcessUtilizationSample_st.asSlice(samples, i);
      if (nvmlProcessUtilizationSample_st.timeStamp(sample) != 0) {
        converted.add(
            new ProcessUtilization(
                nvmlProcessUtilizationSample_st.pid(sample),
                nvmlProcessUtilizationSample_st.timeStamp(sample),
                nvmlProcessUtilizationSample_st.smUtil(sample),
                nvmlProcessUtilizationSample_st.memUtil(sample),
                nvmlProcessUtilizationSample_st.encUtil(sample),
                nvmlProcessUtilizationSample_st.decUtil(sample)));
      }
    }
    return converted;
  }
}
