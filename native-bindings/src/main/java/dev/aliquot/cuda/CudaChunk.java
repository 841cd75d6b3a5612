package dev.aliquot.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.aliquot.bindings.cuda.CudaBindings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Physical memory that this process holds a handle to, unmapped. The memory lives until every
 * handle, mapping and exported descriptor of it is gone, in all processes. Thread-safe.
 */
public final class CudaChunk implements AutoCloseable {
  private final CudaCalls calls;
  private final long handle;
  private final long sizeBytes;
  private final AtomicBoolean released = new AtomicBoolean();

  private CudaChunk(CudaCalls calls, long handle, long sizeBytes) {
    this.calls = calls;
    this.handle = handle;
    this.sizeBytes = sizeBytes;
  }

  static long granularityBytes(CudaCalls calls, ChunkPlace place) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      MemorySegment properties = place.properties(arena);
      calls.check(
          "cuMemGetAllocationGranularity",
          f -> f.call(out, properties, CudaBindings.CU_MEM_ALLOC_GRANULARITY_MINIMUM()));
      return out.get(JAVA_LONG, 0);
    }
  }

  static CudaChunk create(CudaCalls calls, ChunkPlace place, long sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      MemorySegment properties = place.properties(arena);
      calls.check("cuMemCreate", f -> f.call(out, sizeBytes, properties, 0L));
      return new CudaChunk(calls, out.get(JAVA_LONG, 0), sizeBytes);
    }
  }

  static CudaChunk importFrom(CudaCalls calls, int fileDescriptor, long sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      // The driver takes the descriptor itself in place of a pointer.
      MemorySegment descriptor = MemorySegment.ofAddress(fileDescriptor);
      calls.check(
          "cuMemImportFromShareableHandle",
          f -> f.call(out, descriptor, CudaBindings.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR()));
      return new CudaChunk(calls, out.get(JAVA_LONG, 0), sizeBytes);
    }
  }

  public long sizeBytes() {
    return sizeBytes;
  }

  /** A new file descriptor of the chunk, which the caller closes. */
  public int exportDescriptor() {
    if (released.get()) {
      throw new IllegalStateException("the chunk is released");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      calls.check(
          "cuMemExportToShareableHandle",
          f -> f.call(out, handle, CudaBindings.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR(), 0L));
      return out.get(JAVA_INT, 0);
    }
  }

  /** Gives this handle up. Does nothing the second time. */
  @Override
  public void close() {
    if (released.compareAndSet(false, true)) {
      calls.check("cuMemRelease", f -> f.call(handle));
    }
  }
}
