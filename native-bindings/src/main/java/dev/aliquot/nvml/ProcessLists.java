package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.bindings.nvml.nvmlProcessInfo_v2_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Reads a device's process lists (compute, graphics, MPS) and merges them by pid.
 *
 * <p>A process that is in two lists has the same figure in both, so the greater one counts; one
 * that is on several MIG instances of the device has a figure in each, which are added.
 */
final class ProcessLists {
  private static final int FIRST_CAPACITY = 64;
  private static final int ATTEMPTS = 8;

  private ProcessLists() {}

  static List<GpuProcess> read(NvmlCalls calls, MemorySegment device) {
    Map<Integer, Merged> byPid = new TreeMap<>();
    for (GpuProcess.Kind kind : GpuProcess.Kind.values()) {
      readList(calls, device, kind, byPid);
    }
    return byPid.entrySet().stream()
        .map(entry -> entry.getValue().toProcess(entry.getKey()))
        .toList();
  }

  private static void readList(
      NvmlCalls calls, MemorySegment device, GpuProcess.Kind kind, Map<Integer, Merged> byPid) {
    int capacity = FIRST_CAPACITY;
    int status = NvmlStatus.INSUFFICIENT_SIZE.code();
    for (int attempt = 0;
        attempt < ATTEMPTS && status == NvmlStatus.INSUFFICIENT_SIZE.code();
        attempt++) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment count = arena.allocate(JAVA_INT);
        count.set(JAVA_INT, 0, capacity);
        MemorySegment infos = nvmlProcessInfo_v2_st.allocateArray(capacity, arena);
        status = call(calls, kind, device, count, infos);
        int listed = count.get(JAVA_INT, 0);
        if (status == NvmlStatus.SUCCESS.code()) {
          merge(infos, Math.min(Math.max(listed, 0), capacity), kind, byPid);
          return;
        }
        // More may start before the next attempt.
        capacity = Math.max(2 * capacity, Math.min(listed, 1 << 20) + FIRST_CAPACITY);
      }
    }
    if (kind == GpuProcess.Kind.COMPUTE || !NvmlCalls.isAbsent(status)) {
      NvmlCalls.check(kind.function() + "_v3", status);
    }
  }

  private static int call(
      NvmlCalls calls,
      GpuProcess.Kind kind,
      MemorySegment device,
      MemorySegment count,
      MemorySegment infos) {
    String newest = kind.function() + "_v3";
    int status = calls.status(newest, f -> f.call(device, count, infos));
    return status == NvmlStatus.FUNCTION_NOT_FOUND.code()
        ? calls.status(kind.function() + "_v2", newest, f -> f.call(device, count, infos))
        : status;
  }

  private static void merge(
      MemorySegment infos, int listed, GpuProcess.Kind kind, Map<Integer, Merged> byPid) {
    for (int i = 0; i < listed; i++) {
      MemorySegment info = nvmlProcessInfo_v2_st.asSlice(infos, i);
      byPid
          .computeIfAbsent(nvmlProcessInfo_v2_st.pid(info), pid -> new Merged())
          .add(
              kind,
              Arrays.asList(
                  nvmlProcessInfo_v2_st.gpuInstanceId(info),
                  nvmlProcessInfo_v2_st.computeInstanceId(info)),
              nvmlProcessInfo_v2_st.usedGpuMemory(info));
    }
  }

  private static final class Merged {
    private final EnumSet<GpuProcess.Kind> kinds = EnumSet.noneOf(GpuProcess.Kind.class);
    private final Map<List<Integer>, Long> usedByInstance = new HashMap<>();

    void add(GpuProcess.Kind kind, List<Integer> instance, long usedBytes) {
      kinds.add(kind);
      if (usedBytes != NvmlBindings.NVML_VALUE_NOT_AVAILABLE()) {
        usedByInstance.merge(instance, usedBytes, Math::max);
      }
    }

    GpuProcess toProcess(int pid) {
      return new GpuProcess(
          pid,
          usedByInstance.isEmpty()
              ? OptionalLong.empty()
              : OptionalLong.of(usedByInstance.values().stream().mapToLong(Long::longValue).sum()),
          kinds);
    }
  }
}
