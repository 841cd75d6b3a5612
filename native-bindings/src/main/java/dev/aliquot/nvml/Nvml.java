package dev.aliquot.nvml;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.aliquot.bindings.nvml.NvmlBindings;
import dev.aliquot.ffm.CStrings;
import dev.aliquot.ffm.LibraryException;
import dev.aliquot.ffm.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One initialised NVML library. Thread-safe. Close its event sets first; after {@link #close} every
 * call on it and its devices fails with {@link NvmlStatus#UNINITIALIZED}.
 */
public final class Nvml implements AutoCloseable {
  private static final String WHAT = "NVML";

  private final NvmlCalls calls;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Nvml(NvmlCalls calls) {
    this.calls = calls;
  }

  /**
   * Opens and initialises a library.
   *
   * @param library the file, such as {@code /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1} or the
   *     simulator's; a bare file name is left to the dynamic linker's search
   * @throws LibraryException if the file is missing, is no library, or is not NVML
   * @throws NvmlException if NVML does not start, such as {@link NvmlStatus#DRIVER_NOT_LOADED} or
   *     {@link NvmlStatus#LIB_RM_VERSION_MISMATCH}
   */
  public static Nvml open(Path library) {
    NvmlCalls calls =
        new NvmlCalls(
            NativeLibrary.open(library, NvmlBindings.class, WHAT, "nvmlInit_v2", "nvmlShutdown"));
    calls.check("nvmlInit_v2", f -> f.call());
    return new Nvml(calls);
  }

  /** The file this was opened from. */
  public Path library() {
    return calls.library().path();
  }

  /** Whether the library has a symbol, also one that no method here uses. */
  public boolean supports(String symbol) {
    return calls.library().supports(symbol);
  }

  /**
   * Whether the driver can limit memory by cgroup (R615 and later). A probe of the symbols only.
   */
  public boolean supportsMemoryLimits() {
    return supports(CgroupLimits.SETTER) && supports(CgroupLimits.GETTER);
  }

  /** Bound functions that this driver lacks, sorted. */
  public Set<String> missingSymbols() {
    return calls.library().missingSymbols();
  }

  /** Such as {@code 580.159.04}. */
  public String driverVersion() {
    return systemString(
        "nvmlSystemGetDriverVersion", NvmlBindings.NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE());
  }

  /** Such as {@code 13.580.159.04}. */
  public String nvmlVersion() {
    return systemString(
        "nvmlSystemGetNVMLVersion", NvmlBindings.NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE());
  }

  /** The newest CUDA version that the driver runs. */
  public CudaVersion cudaVersion() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      calls.check("nvmlSystemGetCudaDriverVersion_v2", f -> f.call(out));
      return CudaVersion.ofDriverNumber(out.get(JAVA_INT, 0));
    }
  }

  public int deviceCount() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      calls.check("nvmlDeviceGetCount_v2", f -> f.call(out));
      return out.get(JAVA_INT, 0);
    }
  }

  /**
   * All physical devices that NVML reaches, in its order. A lost one is left out: {@link #device}
   * says why.
   */
  public List<NvmlDevice> devices() {
    int count = deviceCount();
    List<NvmlDevice> devices = new ArrayList<>(count);
    for (int index = 0; index < count; index++) {
      try {
        devices.add(device(index));
      } catch (NvmlException e) {
        if (!e.is(NvmlStatus.GPU_IS_LOST)) {
          throw e;
        }
      }
    }
    return devices;
  }

  /** The physical device of an index, 0 to {@link #deviceCount} - 1. */
  public NvmlDevice device(int index) {
    return NvmlDevice.of(
        calls, calls.handleOf("nvmlDeviceGetHandleByIndex_v2", (f, out) -> f.call(index, out)));
  }

  /** The device or MIG instance of a UUID; empty if there is none. */
  public Optional<NvmlDevice> deviceByUuid(String uuid) {
    return deviceByName("nvmlDeviceGetHandleByUUID", uuid);
  }

  /** The device at a bus address; empty if there is none. */
  public Optional<NvmlDevice> deviceByPciAddress(PciAddress address) {
    return deviceByName("nvmlDeviceGetHandleByPciBusId_v2", address.toString());
  }

  /** A new, empty event set. */
  public NvmlEventSet openEventSet() {
    return new NvmlEventSet(calls, calls.handleOf("nvmlEventSetCreate", (f, out) -> f.call(out)));
  }

  /** Shuts NVML down. Does nothing the second time. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      int status = calls.status("nvmlShutdown", f -> f.call());
      calls.markShutDown();
      NvmlCalls.check("nvmlShutdown", status);
    }
  }

  private Optional<NvmlDevice> deviceByName(String function, String name) {
    try {
      return Optional.of(
          NvmlDevice.of(
              calls,
              calls.handleOf(
                  function,
                  (f, out) -> {
                    try (Arena arena = Arena.ofConfined()) {
                      return f.call(arena.allocateFrom(name), out);
                    }
                  })));
    } catch (NvmlException e) {
      // NVML says INVALID_ARGUMENT for a name that is malformed: nothing of that name exists
      // either.
      if (e.is(NvmlStatus.NOT_FOUND) || e.is(NvmlStatus.INVALID_ARGUMENT)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private String systemString(String function, int bufferBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(bufferBytes);
      calls.check(function, f -> f.call(buffer, bufferBytes));
      return CStrings.read(buffer);
    }
  }
}
