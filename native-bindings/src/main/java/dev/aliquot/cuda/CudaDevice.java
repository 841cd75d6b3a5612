package dev.aliquot.cuda;

import dev.aliquot.bindings.cuda.CUuuid_st;
import dev.aliquot.bindings.cuda.CudaBindings;
import dev.aliquot.ffm.CStrings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/** A device as CUDA sees it. Thread-safe; valid as long as its driver. */
public final class CudaDevice {
  private static final int NAME_BYTES = 256;

  private final CudaCalls calls;
  private final int handle;
  private final String uuid;

  private CudaDevice(CudaCalls calls, int handle, String uuid) {
    this.calls = calls;
    this.handle = handle;
    this.uuid = uuid;
  }

  static CudaDevice of(CudaCalls calls, int handle) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = CUuuid_st.allocate(arena);
      calls.check("cuDeviceGetUuid_v2", f -> f.call(bytes, handle));
      return new CudaDevice(calls, handle, DeviceUuid.text(CUuuid_st.bytes(bytes)));
    }
  }

  /** CUDA's number of it, which is also its place's number in {@link ChunkPlace#device}. */
  public int ordinal() {
    return handle;
  }

  /** As NVML spells it: {@code GPU-} and 32 hexadecimal digits with dashes. */
  public String uuid() {
    return uuid;
  }

  public String name() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(NAME_BYTES);
      calls.check("cuDeviceGetName", f -> f.call(buffer, NAME_BYTES, handle));
      return CStrings.read(buffer);
    }
  }

  /** An attribute by its number, {@code CU_DEVICE_ATTRIBUTE_*}. */
  public int attribute(int attribute) {
    return CudaDriver.attribute(calls, handle, attribute);
  }

  public int multiprocessorCount() {
    return attribute(CudaBindings.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT());
  }

  /** Whether memory can be mapped and remapped at fixed addresses, which swapping needs. */
  public boolean supportsVirtualMemory() {
    return flag(CudaBindings.CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED());
  }

  /** Whether chunks can be passed between processes as file descriptors. */
  public boolean supportsFileDescriptors() {
    return flag(CudaBindings.CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED());
  }

  /** Whether {@link ChunkPlace#hostNuma} works; false on a driver that does not know of it. */
  public boolean supportsHostChunks() {
    return flag(CudaBindings.CU_DEVICE_ATTRIBUTE_HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED());
  }

  /**
   * The NUMA node of host memory nearest to the device; empty where driver or machine have none.
   */
  public OptionalInt hostNumaNode() {
    try {
      int node = attribute(CudaBindings.CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID());
      return node < 0 ? OptionalInt.empty() : OptionalInt.of(node);
    } catch (CudaException e) {
      if (e.is(CudaStatus.INVALID_VALUE)) {
        return OptionalInt.empty();
      }
      throw e;
    }
  }

  @Override
  public String toString() {
    return uuid;
  }

  /**
   * A driver that does not know an attribute answers INVALID_VALUE: then it has not the feature.
   */
  private boolean flag(int attribute) {
    try {
      return attribute(attribute) != 0;
    } catch (CudaException e) {
      if (e.is(CudaStatus.INVALID_VALUE)) {
        return false;
      }
      throw e;
    }
  }
}
