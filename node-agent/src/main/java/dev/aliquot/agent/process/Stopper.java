package dev.aliquot.agent.process;

import dev.aliquot.linux.LinuxException;
import dev.aliquot.linux.PidFd;
import dev.aliquot.linux.Signal;
import java.util.Optional;

/** Ends this very process and no other: by a pidfd whose start time has been compared. */
public final class Stopper {
  private final ProcFs proc;

  public Stopper(ProcFs proc) {
    this.proc = proc;
  }

  /**
   * A descriptor of the process; empty when it is gone, also when its pid means another one now.
   *
   * @throws LinuxException when it cannot be opened
   */
  public Optional<PidFd> open(ProcessId id) {
    PidFd descriptor;
    try {
      descriptor = PidFd.open(id.pid());
    } catch (LinuxException e) {
      if (e.is(dev.aliquot.linux.Errno.ESRCH)) {
        return Optional.empty();
      }
      throw e;
    }
    // What the descriptor names cannot change any more, so comparing now holds for ever.
    if (proc.isAlive(id) && descriptor.isAlive()) {
      return Optional.of(descriptor);
    }
    descriptor.close();
    return Optional.empty();
  }

  /**
   * Sends SIGTERM; whether there was such a process.
   *
   * @throws LinuxException when it is not permitted
   */
  public boolean terminate(PidFd descriptor) {
    return descriptor.signal(Signal.TERM);
  }

  /** Sends SIGKILL to one that still lives; whether it did. */
  public boolean kill(PidFd descriptor) {
    return descriptor.isAlive() && descriptor.signal(Signal.KILL);
  }
}
