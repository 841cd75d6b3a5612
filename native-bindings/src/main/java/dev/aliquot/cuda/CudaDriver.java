package dev.aliquot.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.aliquot.bindings.cuda.CudaBindings;
import dev.aliquot.ffm.LibraryException;
import dev.aliquot.ffm.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One initialised CUDA driver library. Thread-safe. Nothing to close: it ends with the JVM. A
 * process holds one such library: a second, different one may fail to initialise.
 */
public final class CudaDriver {
  private static final String WHAT = "CUDA driver";

  private final CudaCalls calls;

  private CudaDriver(CudaCalls calls) {
    this.calls = calls;
  }

  /**
   * Opens and initialises a library.
   *
   * @param library the file, such as {@code /usr/lib/x86_64-linux-gnu/libcuda.so.1} or the
   *     simulator's; a bare file name is left to the dynamic linker's search
   * @throws LibraryException if the file is missing, is no library, or is not a CUDA driver
   * @throws CudaException if the driver does not start, such as {@link CudaStatus#NO_DEVICE} or
   *     {@link CudaStatus#SYSTEM_DRIVER_MISMATCH}
   */
  public static CudaDriver open(Path library) {
    CudaCalls calls =
        new CudaCalls(
            NativeLibrary.open(library, CudaBindings.class, WHAT, "cuInit", "cuDriverGetVersion"));
    calls.check("cuInit", f -> f.call(0));
    return new CudaDriver(calls);
  }

  /** The file this was opened from. */
  public Path library() {
    return calls.library().path();
  }

  /** Whether the library has a symbol, also one that no method here uses. */
  public boolean supports(String symbol) {
    return calls.library().supports(symbol);
  }

  /** Bound functions that this driver lacks, sorted. */
  public Set<String> missingSymbols() {
    return calls.library().missingSymbols();
  }

  /** The newest CUDA version that the driver runs, 1000 * major + 10 * minor. */
  public int version() {
    return calls.intOf("cuDriverGetVersion", (f, out) -> f.call(out));
  }

  public int deviceCount() {
    return calls.intOf("cuDeviceGetCount", (f, out) -> f.call(out));
  }

  /** All devices that CUDA_VISIBLE_DEVICES lets this process see, in CUDA's order. */
  public List<CudaDevice> devices() {
    int count = deviceCount();
    List<CudaDevice> devices = new ArrayList<>(count);
    for (int ordinal = 0; ordinal < count; ordinal++) {
      devices.add(device(ordinal));
    }
    return devices;
  }

  public CudaDevice device(int ordinal) {
    return CudaDevice.of(calls, calls.intOf("cuDeviceGet", (f, out) -> f.call(out, ordinal)));
  }

  /** The device of a UUID as NVML spells it ({@code GPU-...}); empty if there is none. */
  public Optional<CudaDevice> deviceByUuid(String uuid) {
    return devices().stream().filter(device -> device.uuid().equals(uuid)).findFirst();
  }

  /** The unit in which chunks of a place are made; a chunk's size is a multiple of it. */
  public long granularityBytes(ChunkPlace place) {
    return CudaChunk.granularityBytes(calls, place);
  }

  /**
   * Makes a chunk that can be exported. Pinned host memory (HOST_NUMA) takes no device memory and
   * is charged to no memory cgroup.
   *
   * @param sizeBytes a multiple of {@link #granularityBytes}
   * @throws CudaException such as {@link CudaStatus#OUT_OF_MEMORY}
   */
  public CudaChunk createChunk(ChunkPlace place, long sizeBytes) {
    return CudaChunk.create(calls, place, sizeBytes);
  }

  /**
   * Imports a chunk that another process exported. The descriptor stays the caller's.
   *
   * @param sizeBytes the size that its maker told; the driver has no call to ask for it
   */
  public CudaChunk importChunk(int fileDescriptor, long sizeBytes) {
    return CudaChunk.importFrom(calls, fileDescriptor, sizeBytes);
  }

  /** Suspending processes; empty where the driver cannot (before R570). */
  public Optional<CudaCheckpoint> checkpoint() {
    return CudaCheckpoint.of(calls);
  }

  /** The driver's name of a result code, such as {@code CUDA_ERROR_NO_DEVICE}. */
  public Optional<String> errorName(int code) {
    return calls.driverText("cuGetErrorName", code);
  }

  /** The driver's sentence about a result code. */
  public Optional<String> errorString(int code) {
    return calls.driverText("cuGetErrorString", code);
  }

  static int attribute(CudaCalls calls, int device, int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      calls.check("cuDeviceGetAttribute", f -> f.call(out, attribute, device));
      return out.get(JAVA_INT, 0);
    }
  }
}
