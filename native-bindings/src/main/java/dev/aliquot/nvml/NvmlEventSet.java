package dev.aliquot.nvml;

import dev.aliquot.bindings.nvml.nvmlEventData_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A queue of the events of registered devices. One thread waits at a time; {@link #close} waits for
 * it, so a time-out bounds how long closing takes. Close it before its {@link Nvml}.
 */
public final class NvmlEventSet implements AutoCloseable {
  private static final int NO_INSTANCE = -1;

  private final NvmlCalls calls;
  private final MemorySegment handle;
  private final Map<Long, String> uuidByDevice = new ConcurrentHashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed;

  NvmlEventSet(NvmlCalls calls, MemorySegment handle) {
    this.calls = calls;
    this.handle = handle;
  }

  /**
   * Adds a device for those of the types that it can report.
   *
   * @return the types registered, 0 where the device reports none of them
   */
  public long register(NvmlDevice device, long types) {
    long supported = types & device.supportedEventTypes();
    if (supported != 0) {
      calls.check("nvmlDeviceRegisterEvents", f -> f.call(device.handle(), supported, handle));
      uuidByDevice.put(device.handle().address(), device.uuid());
    }
    return supported;
  }

  /**
   * The next event, or empty after the time-out.
   *
   * @param timeout at most 24 days; a negative one is zero
   * @throws NvmlException such as GPU_IS_LOST; the set stays usable for its other devices
   */
  public Optional<NvmlEvent> await(Duration timeout) {
    int millis = Math.clamp(timeout.toMillis(), 0, Integer.MAX_VALUE);
    lock.lock();
    try (Arena arena = Arena.ofConfined()) {
      if (closed) {
        throw new NvmlException("nvmlEventSetWait_v2", NvmlStatus.UNINITIALIZED);
      }
      MemorySegment data = nvmlEventData_st.allocate(arena);
      int status = calls.status("nvmlEventSetWait_v2", f -> f.call(handle, data, millis));
      if (status == NvmlStatus.TIMEOUT.code()) {
        return Optional.empty();
      }
      NvmlCalls.check("nvmlEventSetWait_v2", status);
      return Optional.of(
          new NvmlEvent(
              Optional.ofNullable(uuidByDevice.get(nvmlEventData_st.device(data).address())),
              nvmlEventData_st.eventType(data),
              nvmlEventData_st.eventData(data),
              instance(nvmlEventData_st.gpuInstanceId(data)),
              instance(nvmlEventData_st.computeInstanceId(data))));
    } finally {
      lock.unlock();
    }
  }

  /** Frees the set. Does nothing the second time, or after its {@link Nvml} was closed. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        if (!calls.isShutDown()) {
          calls.check("nvmlEventSetFree", f -> f.call(handle));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private static OptionalInt instance(int id) {
    return id == NO_INSTANCE ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
