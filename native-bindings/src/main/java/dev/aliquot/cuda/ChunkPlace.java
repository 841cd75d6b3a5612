package dev.aliquot.cuda;

import dev.aliquot.bindings.cuda.CUmemAllocationProp_st;
import dev.aliquot.bindings.cuda.CUmemLocation_st;
import dev.aliquot.bindings.cuda.CudaBindings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a chunk lies.
 *
 * @param kind device memory or pinned host memory
 * @param id the device's ordinal or the NUMA node
 */
public record ChunkPlace(Kind kind, int id) {

  /** The two kinds of memory. */
  public enum Kind {
    DEVICE,
    HOST_NUMA
  }

  public ChunkPlace {
    if (id < 0) {
      throw new IllegalArgumentException(
          "%d is no %s; give one from 0 up"
              .formatted(id, kind == Kind.DEVICE ? "device" : "NUMA node"));
    }
  }

  public static ChunkPlace device(int ordinal) {
    return new ChunkPlace(Kind.DEVICE, ordinal);
  }

  /** Pinned host memory of a NUMA node. */
  public static ChunkPlace hostNuma(int node) {
    return new ChunkPlace(Kind.HOST_NUMA, node);
  }

  /** The driver's description of memory here that can be exported as a file descriptor. */
  MemorySegment properties(Arena arena) {
    MemorySegment properties = CUmemAllocationProp_st.allocate(arena);
    CUmemAllocationProp_st.type(properties, CudaBindings.CU_MEM_ALLOCATION_TYPE_PINNED());
    CUmemAllocationProp_st.requestedHandleTypes(
        properties, CudaBindings.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR());
    MemorySegment location = CUmemAllocationProp_st.location(properties);
    CUmemLocation_st.type(
        location,
        switch (kind) {
          case DEVICE -> CudaBindings.CU_MEM_LOCATION_TYPE_DEVICE();
          case HOST_NUMA -> CudaBindings.CU_MEM_LOCATION_TYPE_HOST_NUMA();
        });
    CUmemLocation_st.id(location, id);
    return properties;
  }
}
