package dev.aliquot.agent.bypass;

import dev.aliquot.ffm.NativeException;
import java.time.Duration;

/** Holds up the CUDA calls of a process, by the driver and not by a signal. */
interface Suspender {

  /**
   * @throws NativeException why it cannot; the process runs on then
   */
  void lock(int pid, Duration timeout);

  /**
   * Lets a locked process go on; does nothing to one that is not locked.
   *
   * @throws NativeException when the driver refuses
   */
  void unlock(int pid);
}
