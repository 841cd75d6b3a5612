package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The driver's own memory limits of one cgroup v2 directory on one device (R615 and later).
 *
 * <p>Bound by hand: the calls are not in the header that the other bindings are made from. Source:
 * NVIDIA's published reference of {@code nvmlSetMemoryLimits_v1_t} and {@code
 * nvmlGetMemoryLimits_v1_t} (a path pointer, two 64-bit sizes; the getter adds the current use). A
 * guide of NVIDIA's names members that this layout does not have. Unverified against a real header
 * and a real driver; so the structure handed over is larger than known and zeroed, and whoever sets
 * a limit reads it back before relying on it.
 *
 * @param softBytes kept available to the cgroup; 0: nothing
 * @param hardBytes beyond it the driver refuses; {@link #NONE}: no limit
 * @param usedBytes held by the cgroup's processes now
 */
public record CgroupLimits(long softBytes, long hardBytes, long usedBytes) {
  /** All ones: no limit. The reference gives the constant's name, not its value. */
  public static final long NONE = -1;

  static final String SETTER = "nvmlDeviceSetMemoryLimits_v1";
  static final String GETTER = "nvmlDeviceGetMemoryLimits_v1";

  /** A bound function of the same signature: a device and a pointer to a structure. */
  private static final String SIGNATURE = "nvmlDeviceGetMemoryInfo_v2";

  private static final long STRUCT_BYTES = 128;
  private static final long SOFT = 8;
  private static final long HARD = 16;
  private static final long USED = 24;

  static void set(
      NvmlCalls calls, MemorySegment device, Path cgroup, long softBytes, long hardBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = struct(arena, cgroup);
      limits.set(JAVA_LONG, SOFT, softBytes);
      limits.set(JAVA_LONG, HARD, hardBytes);
      NvmlCalls.check(SETTER, calls.status(SETTER, SIGNATURE, f -> f.call(device, limits)));
    }
  }

  static CgroupLimits get(NvmlCalls calls, MemorySegment device, Path cgroup) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = struct(arena, cgroup);
      NvmlCalls.check(GETTER, calls.status(GETTER, SIGNATURE, f -> f.call(device, limits)));
      return new CgroupLimits(
          limits.get(JAVA_LONG, SOFT), limits.get(JAVA_LONG, HARD), limits.get(JAVA_LONG, USED));
    }
  }

  private static MemorySegment struct(Arena arena, Path cgroup) {
    MemorySegment limits = arena.allocate(STRUCT_BYTES, 8);
    limits.set(ADDRESS, 0, arena.allocateFrom(cgroup.toString()));
    return limits;
  }
}
