package dev.aliquot.linux;

import java.lang.invoke.MethodHandle;

/** Signals, with their numbers on x86-64 and aarch64. */
public enum Signal {
  HUP(1),
  INT(2),
  QUIT(3),
  KILL(9),
  USR1(10),
  USR2(12),
  TERM(15),
  CONT(18),
  STOP(19);

  private static final MethodHandle KILL_CALL = Libc.withErrno("kill", Libc.ints(2));

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /**
   * Sends this signal to a process; prefer {@link PidFd#signal}, which cannot hit a successor.
   *
   * @return false if there is no such process
   */
  public boolean send(long pid) {
    if (pid <= 0 || pid > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(pid + " is not a pid");
    }
    try {
      Libc.intCall(KILL_CALL, "kill", (int) pid, number);
      return true;
    } catch (LinuxException e) {
      if (e.is(Errno.ESRCH)) {
        return false;
      }
      throw e;
    }
  }
}
