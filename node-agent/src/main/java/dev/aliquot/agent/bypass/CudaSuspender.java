package dev.aliquot.agent.bypass;

import dev.aliquot.cuda.CudaCheckpoint;
import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.ffm.NativeException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * By the driver's checkpoint lock (R570 and later). The CUDA driver costs the agent some 30 MB, so
 * it is opened when it is first needed. Used by one thread.
 */
final class CudaSuspender implements Suspender {
  private final Path library;
  private @Nullable CudaDriver driver;

  CudaSuspender(Path library) {
    this.library = library;
  }

  @Override
  public void lock(int pid, Duration timeout) {
    CudaCheckpoint checkpoint = checkpoint();
    try {
      checkpoint.lock(pid, timeout);
    } catch (NativeException e) {
      releaseIfLocked(checkpoint, pid);
      throw e;
    }
  }

  @Override
  public void unlock(int pid) {
    releaseIfLocked(checkpoint(), pid);
  }

  private static void releaseIfLocked(CudaCheckpoint checkpoint, int pid) {
    if (checkpoint.state(pid) == CudaCheckpoint.State.LOCKED) {
      checkpoint.unlock(pid);
    }
  }

  private CudaCheckpoint checkpoint() {
    if (driver == null) {
      driver = CudaDriver.open(library);
    }
    return driver.checkpoint().orElseThrow(TooOldException::new);
  }

  /** The driver has no checkpoint calls. */
  private static final class TooOldException extends NativeException {
    private static final long serialVersionUID = 1L;

    TooOldException() {
      super("this driver cannot suspend processes (R570 and later can)");
    }
  }
}
