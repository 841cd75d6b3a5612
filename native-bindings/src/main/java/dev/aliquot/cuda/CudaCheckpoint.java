package dev.aliquot.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.aliquot.bindings.cuda.CUcheckpointCheckpointArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointGpuPair_st;
import dev.aliquot.bindings.cuda.CUcheckpointLockArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointRestoreArgs_st;
import dev.aliquot.bindings.cuda.CUcheckpointUnlockArgs_st;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Suspends the CUDA work of a process and moves what it holds on devices to host memory: lock,
 * checkpoint, restore, unlock. Works on another process by its pid in the host's namespace, as root
 * or as the same user. After any failed step ask {@link #state} and unlock if it says LOCKED.
 *
 * <p>A process that holds imported memory handles can be checkpointed but not restored: release
 * them before. A restore without enough free device memory loses the process: reserve it before.
 */
public final class CudaCheckpoint {
  private static final List<String> FUNCTIONS =
      List.of(
          "cuCheckpointProcessLock",
          "cuCheckpointProcessCheckpoint",
          "cuCheckpointProcessRestore",
          "cuCheckpointProcessUnlock",
          "cuCheckpointProcessGetState");

  private final CudaCalls calls;

  private CudaCheckpoint(CudaCalls calls) {
    this.calls = calls;
  }

  static Optional<CudaCheckpoint> of(CudaCalls calls) {
    return FUNCTIONS.stream().allMatch(calls.library()::supports)
        ? Optional.of(new CudaCheckpoint(calls))
        : Optional.empty();
  }

  /** Where a process stands. */
  public enum State {
    RUNNING(0),
    LOCKED(1),
    CHECKPOINTED(2),
    FAILED(3),
    /** A value that a newer driver added: between two of the others. */
    BUSY(-1);

    private final int code;

    State(int code) {
      this.code = code;
    }

    static State of(int code) {
      for (State state : values()) {
        if (state.code == code) {
          return state;
        }
      }
      return BUSY;
    }
  }

  public State state(long pid) {
    int id = pid(pid);
    return State.of(calls.intOf("cuCheckpointProcessGetState", (f, out) -> f.call(id, out)));
  }

  /**
   * Stops further CUDA calls of the process and waits for those under way.
   *
   * @param timeout more than zero; without one the driver would wait for ever
   * @throws CudaException {@link CudaStatus#NOT_READY} or {@link CudaStatus#TIMEOUT} if its work
   *     does not end in time
   */
  public void lock(long pid, Duration timeout) {
    long millis = timeout.toMillis();
    if (millis <= 0) {
      throw new IllegalArgumentException("a lock needs a time-out of at least one millisecond");
    }
    int id = pid(pid);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment args = CUcheckpointLockArgs_st.allocate(arena);
      CUcheckpointLockArgs_st.timeoutMs(args, (int) Math.min(millis, Integer.MAX_VALUE));
      calls.check("cuCheckpointProcessLock", f -> f.call(id, args));
    }
  }

  /** Moves what a locked process holds on devices into its own host memory. */
  public void checkpoint(long pid) {
    int id = pid(pid);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment args = CUcheckpointCheckpointArgs_st.allocate(arena);
      calls.check("cuCheckpointProcessCheckpoint", f -> f.call(id, args));
    }
  }

  /** Brings a checkpointed process back to the devices it was on; it is locked then. */
  public void restore(long pid) {
    restore(pid, Map.of());
  }

  /**
   * Brings a checkpointed process back, to other devices if asked.
   *
   * @param newUuidByOld every device of the process, or none for the same devices
   */
  public void restore(long pid, Map<String, String> newUuidByOld) {
    int id = pid(pid);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment args = CUcheckpointRestoreArgs_st.allocate(arena);
      if (!newUuidByOld.isEmpty()) {
        MemorySegment pairs = CUcheckpointGpuPair_st.allocateArray(newUuidByOld.size(), arena);
        int i = 0;
        for (Map.Entry<String, String> entry : newUuidByOld.entrySet()) {
          MemorySegment pair = CUcheckpointGpuPair_st.asSlice(pairs, i++);
          copy(entry.getKey(), CUcheckpointGpuPair_st.oldUuid(pair));
          copy(entry.getValue(), CUcheckpointGpuPair_st.newUuid(pair));
        }
        CUcheckpointRestoreArgs_st.gpuPairs(args, pairs);
        CUcheckpointRestoreArgs_st.gpuPairsCount(args, newUuidByOld.size());
      }
      calls.check("cuCheckpointProcessRestore", f -> f.call(id, args));
    }
  }

  /** Lets a locked process go on. */
  public void unlock(long pid) {
    int id = pid(pid);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment args = CUcheckpointUnlockArgs_st.allocate(arena);
      calls.check("cuCheckpointProcessUnlock", f -> f.call(id, args));
    }
  }

  private static void copy(String uuid, MemorySegment target) {
    byte[] bytes = DeviceUuid.bytes(uuid);
    MemorySegment.copy(bytes, 0, target, JAVA_BYTE, 0, bytes.length);
  }

  private static int pid(long pid) {
    if (pid <= 0 || pid > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(pid + " is not a pid");
    }
    return (int) pid;
  }
}
