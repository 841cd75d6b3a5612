package dev.aliquot.agent.deep;

import dev.aliquot.cuda.CudaCheckpoint;
import dev.aliquot.ffm.NativeException;
import java.time.Duration;

/**
 * The driver's checkpoint of other processes. Thread-safe. Every call throws {@link
 * NativeException} where the driver refuses, and all but {@link #state} and {@link #lock} may take
 * as long as the driver likes.
 */
interface Checkpoints {
  CudaCheckpoint.State state(int pid);

  void lock(int pid, Duration timeout);

  void checkpoint(int pid);

  void restore(int pid);

  void unlock(int pid);
}
