package dev.aliquot.agent.deep;

import dev.aliquot.cuda.CudaCheckpoint;
import dev.aliquot.cuda.CudaDriver;
import dev.aliquot.ffm.NativeException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** By the CUDA driver, which is opened when it is first needed. */
final class CudaCheckpoints implements Checkpoints {
  private final Path library;
  private @Nullable CudaDriver driver;

  CudaCheckpoints(Path library) {
    this.library = library;
  }

  @Override
  public CudaCheckpoint.State state(int pid) {
    return checkpoint().state(pid);
  }

  @Override
  public void lock(int pid, Duration timeout) {
    checkpoint().lock(pid, timeout);
  }

  @Override
  public void checkpoint(int pid) {
    checkpoint().checkpoint(pid);
  }

  @Override
  public void restore(int pid) {
    checkpoint().restore(pid);
  }

  @Override
  public void unlock(int pid) {
    checkpoint().unlock(pid);
  }

  private synchronized CudaCheckpoint checkpoint() {
    if (driver == null) {
      driver = CudaDriver.open(library);
    }
    return driver.checkpoint().orElseThrow(TooOldException::new);
  }

  /** The driver has no checkpoint calls. */
  private static final class TooOldException extends NativeException {
    private static final long serialVersionUID = 1L;

    TooOldException() {
      super("this driver has no checkpoint (R570 and later have)");
    }
  }
}
